#!/usr/bin/env python3
"""Server time per grab and bytes per reservation of src/redis/library.lua, by batch size.

Server time is what Redis itself counts (INFO commandstats). It empties that Redis:
    eval "$(deploy/services/redis start DIR)"
    redis-cli -u "$SLUICE_REDIS_URL" -x FUNCTION LOAD REPLACE < src/redis/library.lua
    bench/redis_functions.py PORT
"""
import re,socket,sys
class R:
    def __init__(s,p): s.s=socket.create_connection(('127.0.0.1',p)); s.f=s.s.makefile('rb')
    def rd(s):
        l=s.f.readline(); t,b=l[:1],l[1:-2]
        if t==b':': return int(b)
        if t==b'+': return b.decode()
        if t==b'-': return Exception(b.decode())
        if t==b'$':
            n=int(b)
            if n<0: return None
            d=s.f.read(n+2)[:-2]; return d.decode('utf8','replace')
        return [s.rd() for _ in range(int(b))]
    def __call__(s,*a):
        a=[x if isinstance(x,bytes) else str(x).encode() for x in a]
        s.s.sendall(b'*%d\r\n'%len(a)+b''.join(b'$%d\r\n%s\r\n'%(len(x),x) for x in a)); return s.rd()
r=R(int(sys.argv[1])); K=['6']+['sluice:{m}:'+k for k in 'sale items orders users requests outbox'.split()]
def call(f,*a): return r('FCALL','sluice_1_'+f,*K,*a)
def mem(): return int(re.search(r'used_memory:(\d+)',r('INFO','memory')).group(1))
for B in (1,16,64,256):
    r('FLUSHALL'); call('load_begin',1,0,9*10**12,1800000,0,0,1,3,1999,10**9,1,10**6,1); call('load_open',1)
    N=100000 if B>1 else 30000; m0=mem(); r('CONFIG','RESETSTAT'); ids=0; ents=[]
    while ids<N:
        flat=[]
        for _ in range(B): ids+=1; flat+=[245*10**15+ids,'user%08d'%ids,3,1,'']
        g=call('grab',1,'',*flat); ents.append(g[1])
        if len(ents)==64: call('confirm',1,*ents); ents=[]
    if ents: call('confirm',1,*ents)
    s=r('INFO','commandstats'); c=dict(re.findall(r'cmdstat_(\S+?):.*?usec=(\d+)',s)); 
    print('batch %d: %d grabs, fcall %.2f us of server time per grab incl. confirm, %.0f bytes per reservation'%(B,ids,int(c['fcall'])/ids,(mem()-m0)/ids))
    r('CONFIG','RESETSTAT'); call('adjust',1,3,ids)
    for k in range(0,20000,B):
        flat=[]
        for j in range(B): flat+=[246*10**15+k+j,'late%08d'%(k+j),3,1,'']
        call('grab',1,'',*flat)
    c=dict(re.findall(r'cmdstat_(\S+?):.*?usec=(\d+)',r('INFO','commandstats'))); print('   sold out: %.2f us per refusal'%(int(c['fcall'])/20000))
