#!/usr/bin/env python3
"""Random calls of src/redis/library.lua in a real Redis against a plain model, step by step.

Every grab, move, change and confirm is compared, and all counters after each of them; every run
ends with seal, drain, rebuild under a new epoch, and FLUSHALL. It empties that Redis:
    eval "$(deploy/services/redis start DIR)"
    redis-cli -u "$SLUICE_REDIS_URL" -x FUNCTION LOAD REPLACE < src/redis/library.lua
    tests/redis/functions.py PORT SEED RUNS
A failure prints the seed first: the same call with that seed and one run replays it.
"""
import socket,random,sys,subprocess
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
port=int(sys.argv[1]); seed0=int(sys.argv[2]); runs=int(sys.argv[3]); r=R(port)
K=['6']+['sluice:{m}:'+k for k in 'sale items orders users requests outbox'.split()]
def call(f,*a): return r('FCALL','sluice_1_'+f,*K,*a)
reached=set()
for seed in range(seed0,seed0+runs):
    rnd=random.Random(seed); r('FLUSHALL')
    start,end,hold=1000000,2000000,5000; paused=canc=0; ver=1
    items={0:dict(price=100,most=10**9,limit=2,stock=4,rev=0,ver=1),1:dict(price=10**12,most=9223372,limit=1,stock=2,rev=0,ver=1)}
    W=lambda:(start,end,hold,paused,canc,ver)
    defs=[]; 
    for n,i in items.items(): defs+=[n,i['price'],i['most'],i['limit'],i['stock'],i['ver']]
    assert call('load_begin',1,*W(),*defs)==2
    assert call('load_open',1)==[]
    orders={}; reqs={}; nid=100; now=start; pending=[]
    held=lambda n:sum(o['q'] for o in orders.values() if o['i']==n and o['st'] in 'ra')
    sold=lambda n:sum(o['q'] for o in orders.values() if o['i']==n and o['st']=='s')
    refd=lambda n:sum(o['q'] for o in orders.values() if o['i']==n and o['st']=='c')
    av=lambda n:items[n]['stock']-held(n)-sold(n)
    cnt=lambda u,n:sum(o['q'] for o in orders.values() if o['i']==n and o['u']==u and o['st'] in 'ras')
    def grab(id,u,n,q,req):
        if id in orders:
            o=orders[id]
            return 10 if (o['u'],o['i'],str(o['q']))==(u,n,str(q)) else 12
        if req and req in reqs:
            o=orders[reqs[req]]; return 0 if (o['u'],o['i'],str(o['q']))==(u,n,str(q)) else 1
        if n not in items: return 2
        if not(isinstance(q,int) and 1<=q<=items[n]['most']): return 3
        if canc: return 5
        if now<start: return 4
        if now>=end: return 5
        if paused: return 6
        if any(o['u']==u and o['st'] in 'ra' for o in orders.values()): return 7
        if cnt(u,n)+q>items[n]['limit']: return 8
        if av(n)<q: return 9
        orders[id]=dict(u=u,i=n,q=q,st='r',exp=now+hold,req=req)
        if req: reqs[req]=id
        return 10
    for step in range(120):
        now+=rnd.choice([0,0,1,500,-300,20000 if rnd.random()<.1 else 0])
        k=rnd.random()
        if k<.55:
            batch=[]
            for _ in range(rnd.randint(1,6)):
                if orders and rnd.random()<.15: id=rnd.choice(list(orders))
                else: nid+=1; id=nid
                u=rnd.choice(['a','b','c','d;1=2','e,x','{z}','\u00fc=','7']); 
                n=rnd.choice([0,0,1,9]) ; q=rnd.choice([1,1,1,2,0,-1,'1e3','1 ','0x1',2**63-1,9223373,10**9]); req=rnd.choice(['','','ab%d'%rnd.randint(0,9)])
                batch.append((id,u,n,q,req))
            flat=[]
            for b in batch: flat+=b
            got=call('grab',1,now,*flat)
            assert isinstance(got,list),(seed,step,got)
            for b,g in zip(batch,got[2:]):
                want=grab(*b); code=g if isinstance(g,int) else g[0]; reached.add(('grab',code))
                assert code==want,(seed,step,b,g,want)
                if code in(0,10): 
                    oid=int(g[1]); assert oid==(b[0] if code==10 else reqs[b[4]])
                if code==7: assert orders[int(g[1])]['u']==b[1] and orders[int(g[1])]['st'] in 'ra'
            if got[1]: pending.append(got[1])
        elif k<.85 and orders:
            v=rnd.choice(['commit','release','fail','pay','refund']); ids=[rnd.choice(list(orders)+[5]) for _ in range(rnd.randint(1,4))]
            got=call('move',1,v,*ids)
            up=set()
            for id,g in zip(ids,got):
                if id not in orders: w=0
                else:
                    o=orders[id]; s=o['st']
                    if v=='commit': w=2 if s=='r' else 1; o['st']='a' if w==2 else s
                    elif v in('release','fail'):
                        if s in'xf': w=1
                        elif s in'ra': w=2;o['st']='x' if v=='release' else 'f';up.add(o['i'])
                        else: w=3
                    elif v=='pay':
                        if s in'sc': w=1
                        elif s in'ra': w=2;o['st']='s'
                        elif s=='f' or canc or av(o['i'])<o['q'] or cnt(o['u'],o['i'])+o['q']>items[o['i']]['limit']: w=5
                        else: w=4;o['st']='s'
                    else:
                        if s=='s': w=2;o['st']='c';up.add(o['i'])
                        else: w=3 if s in'ra' else 1
                reached.add((v,g)); assert g==w,(seed,step,v,id,g,w)
            for n in up: items[n]['rev']+=1
        elif k<.9:
            n=rnd.choice([0,1,7]); st=rnd.choice([0,1,2,3,5,8,10**9+1])
            if n not in items: w=0
            elif st>10**9: w=2
            elif st<held(n)+sold(n): w=3
            elif st==items[n]['stock']: w=4
            else:
                w=5
                if st>items[n]['stock']: items[n]['rev']+=1
                items[n]['stock']=st
            g=call('adjust',1,n,st); reached.add(('adjust',g)); assert g==w,(seed,step,n,st,g,w)
        elif k<.95:
            nv=ver+rnd.choice([-1,0,1,1]); 
            ns=(start+rnd.choice([0,0,1000]),end+rnd.choice([0,-10]),hold,rnd.choice([0,0,0,1]),1 if rnd.random()<.03 else canc,nv)
            g=call('define',1,*ns)
            if nv>ver: start,end,hold,paused,canc,ver=ns; assert g==2
            else: assert g==1
        elif k<.97:
            n=rnd.choice([0,1]); i=items[n]; nv=i['ver']+rnd.choice([0,1]); lim=rnd.randint(1,3)
            g=call('define_item',1,n,i['price'],i['most'],lim,99,nv)
            if nv>i['ver']: i['limit']=lim;i['ver']=nv;assert g==2
            else: assert g==1
        elif k<.985 and pending:
            e=pending.pop(rnd.randrange(len(pending))); assert call('confirm',1,e)==1; assert call('confirm',1,e)==0
        else:
            pass
        st=call('stats'); rows=dict(zip(st[4::2],st[5::2]))
        assert st[3]==len(pending)
        for n,i in items.items():
            f=[int(x) for x in rows[str(n)].split(',')]
            want=[i['price'],i['most'],i['limit'],i['stock'],av(n),held(n),sold(n),refd(n),i['rev'],i['ver'],0]
            assert f==want,(seed,step,n,f,want)
    # rebuild from the "record" under a new epoch: equal counters, same answers; guards
    defs=[]
    for n,i in items.items(): defs+=[n,i['price'],i['most'],i['limit'],i['stock'],i['ver']]
    before=call('stats')[4:]
    assert call('load_begin',1,*W(),*defs)==1 and call('load_begin',2,*W(),*defs)==-4
    assert call('grab',2,'',9,'a',0,1,'')==-2
    assert call('seal',1)==len(pending) and call('grab',1,'',9,'a',0,1,'')==-1
    if pending: assert call('load_begin',2,*W(),*defs)==-3; assert call('confirm',1,*pending)==len(pending)
    assert call('load_begin',2,*W(),*defs)==2
    if rnd.random()<.3:
        assert call('load_begin',3,*W(),*defs)==2 and call('load_open',2)==-2; ep=3
    else: ep=2
    flat=[]; n=0
    for id,o in orders.items():
        if o['st']=='r': o['st']='a'
        flat+=[id,o['u'],o['i'],o['q'],items[o['i']]['price'],1,o['exp'],o['st'],o['req']]
    if flat:
        assert call('load_orders',ep,*flat)==len(orders); assert call('load_orders',ep,*flat)==0
    assert call('grab',ep,'',9,'a',0,1,'')==-1
    assert call('load_open',ep)==[]
    st=call('stats'); rows=dict(zip(st[4::2],st[5::2])); old=dict(zip(before[0::2],before[1::2]))
    for n in rows:
        a=rows[n].split(',');b=old[n].split(','); assert a[:8]==b[:8],(seed,a,b)
    for u in 'abc':
        want=grab(10**6,u,0,1,''); g=call('grab',ep,now,10**6,u,0,1,'')[2]; code=g if isinstance(g,int) else g[0]; assert code==want,(seed,u,g,want)
        if code==10: break
    r('FLUSHALL'); assert call('grab',ep,'',9,'a',0,1,'')==-1 and call('stats')==-1
print('ok',runs,'runs from seed',seed0,sorted(reached))
