#!lua name=sluice_1
-- Admission to a sale inside Redis: every function is one atomic step over the keys of one sale,
-- which share a hash tag. The layout and the reasons are in docs/adr/0020.
--
-- KEYS, always these six: sale (hash: epoch, run, state, window), items, orders, users, requests
-- (hashes), outbox (stream). ARGV[1] is the epoch that the caller knows. A sale that was not loaded
-- under it, and into this very run of this very server, admits nobody.
--
-- A runtime error in the middle of a function leaves what it wrote: so arguments and types of keys
-- are checked before the first write, and stock is taken before anything is promised for it.

local NOT_LOADED, STALE_EPOCH, NOT_DRAINED, NOT_SEALED = -1, -2, -3, -4

-- sale::GrabOutcome, in order of precedence, and two more.
local REPLAYED, KEY_MISMATCH, UNKNOWN_ITEM, INVALID_QUANTITY, NOT_STARTED, ENDED, PAUSED,
  ALREADY_QUEUED, LIMIT_REACHED, SOLD_OUT, GRANTED, OVERLOADED, ID_CONFLICT =
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

-- What a move of an order came to.
local UNKNOWN_ORDER, UNCHANGED, MOVED, REFUSED, MOVED_LATE, REFUND_DUE = 0, 1, 2, 3, 4, 5

local MAX_BATCH = 256           -- grabs, moves or loaded orders in one call
local MAX_OUTBOX = 10000        -- batches that wait for the broker's confirm
local MAX_QUANTITY = 1000000000
local LAST_INSTANT = 253402300799999
local CHANNEL = 'sluice:released'

local GRAB_ARGS, LOAD_ARGS, ITEM_ARGS = 5, 9, 6

-- The run of this server: another one after a restart and on a replica that took over. Callers are
-- not asked for it: what they know may be older than what they are connected to.
local known_run
local function this_run()
  known_run = known_run or redis.call('INFO', 'server'):match('run_id:(%x+)')
  return known_run
end

local function text_of(number) return string.format('%.0f', number) end

-- A whole number without sign in [0, max], or nil. Fifteen digits are exact in a double.
local function whole(text, max)
  if not text or #text > 15 or not text:find('^%d+$') then return nil end
  local number = tonumber(text)
  if number > max then return nil end
  return number
end

local function bad(what) return redis.error_reply('SLUICE_ARGUMENT ' .. what) end

-- ---- records -----------------------------------------------------------------------------------

-- "price,most,limit,stock,available,held,sold,refunded,revision,version,frozen"; `most` is the
-- largest quantity whose amount fits 64 bits, computed by the caller, who has such integers.
local ITEM_PATTERN = '^' .. ('(%d+),'):rep(10) .. '([01])$'
local function parse_item(text)
  if not text then return nil end
  local price, most, limit, stock, available, held, sold, refunded, revision, version, frozen =
    text:match(ITEM_PATTERN)
  if not price then return nil end
  local item = {
    price = price, most = tonumber(most), limit = tonumber(limit), stock = tonumber(stock),
    available = tonumber(available), held = tonumber(held), sold = tonumber(sold),
    refunded = tonumber(refunded), revision = tonumber(revision), version = tonumber(version),
    frozen = frozen == '1',
  }
  if item.available + item.held + item.sold ~= item.stock then item.frozen = true end
  return item
end

local function pack_item(i)
  -- A number below zero or a sum that is off is never written as sound: the item stops selling.
  if i.available < 0 or i.held < 0 or i.sold < 0 or i.available + i.held + i.sold ~= i.stock then
    i.frozen = true
  end
  return string.format('%s,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%s', i.price, i.most,
    i.limit, i.stock, math.max(i.available, 0), math.max(i.held, 0), math.max(i.sold, 0),
    i.refunded, i.revision, i.version, i.frozen and '1' or '0')
end

-- "state,item,quantity,price,created,expires,request,user". States: r reserved, not yet in the
-- record; a awaiting payment; s sold; x released; f failed; c refunded.
local function parse_order(text)
  if not text then return nil end
  local state, item, quantity, price, created, expires, request, user =
    text:match('^([rasxfc]),(%d+),(%d+),(%d+),(%d+),(%d+),(%x*),(.*)$')
  if not state then return nil end
  return {state = state, item = item, quantity = quantity, price = price, created = created,
          expires = expires, request = request, user = user}
end

local function pack_order(o)
  return table.concat({o.state, o.item, o.quantity, o.price, o.created, o.expires, o.request,
                       o.user}, ',')
end

-- "open order;item=units;...": what stands between a shopper and the next grab.
local function parse_user(text)
  local user = {open = '', units = {}}
  if not text then return user end
  local open, rest = text:match('^(%d*);(.*)$')
  if not open then return nil end
  user.open = open
  for item, units in rest:gmatch('(%d+)=(%d+);') do user.units[item] = tonumber(units) end
  return user
end

local function pack_user(user)
  local parts = {user.open, ';'}
  for item, units in pairs(user.units) do
    if units > 0 then
      parts[#parts + 1] = item .. '=' .. text_of(units) .. ';'
    end
  end
  if user.open == '' and #parts == 2 then return nil end
  return table.concat(parts)
end

local function count(user, item, units) user.units[item] = (user.units[item] or 0) + units end

-- ---- a sale and what one call reads and writes of it --------------------------------------------

-- The sale as a table where it was loaded under this epoch and in this run; else nil and why.
local function loaded(keys, args, state)
  local s = redis.call('HMGET', keys[1], 'epoch', 'run', 'state', 'starts', 'ends', 'hold',
                       'paused', 'cancelled', 'version')
  if not s[1] or s[2] ~= this_run() or s[3] ~= state then return nil, NOT_LOADED end
  if s[1] ~= args[1] then return nil, STALE_EPOCH end
  return {starts = tonumber(s[4]), ends = tonumber(s[5]), hold = tonumber(s[6]),
          paused = s[7] == '1', cancelled = s[8] == '1', version = tonumber(s[9])}
end

-- Rows of one hash: read together, changed in memory, written together.
local function rows(key, parse, pack)
  return {key = key, parse = parse, pack = pack, values = {}, known = {}, changed = {}, order = {}}
end

local function fetch(table_, fields)
  local missing, seen = {}, {}
  for _, field in ipairs(fields) do
    if not table_.known[field] and not seen[field] then
      seen[field] = true
      missing[#missing + 1] = field
    end
  end
  if #missing == 0 then return end
  local found = redis.call('HMGET', table_.key, unpack(missing))
  for i, field in ipairs(missing) do
    table_.known[field] = true
    table_.values[field] = table_.parse(found[i])
  end
end

local function get(table_, field)
  if not table_.known[field] then fetch(table_, {field}) end
  return table_.values[field]
end

local function change(table_, field, value)
  table_.known[field] = true
  table_.values[field] = value
  if not table_.changed[field] then
    table_.changed[field] = true
    table_.order[#table_.order + 1] = field
  end
end

local function store(table_)
  local set, gone = {}, {}
  for _, field in ipairs(table_.order) do
    local packed = table_.pack(table_.values[field])
    if packed then
      set[#set + 1] = field
      set[#set + 1] = packed
    else
      gone[#gone + 1] = field
    end
  end
  if #set > 0 then redis.call('HSET', table_.key, unpack(set)) end
  if #gone > 0 then redis.call('HDEL', table_.key, unpack(gone)) end
end

local function same(value) return value or nil end

local function tables(keys)
  return rows(keys[2], parse_item, pack_item), rows(keys[3], parse_order, pack_order),
         rows(keys[4], parse_user, pack_user), rows(keys[5], same, same)
end

-- The clock of this server unless a caller gives an instant (tests, and nobody else).
local function instant(text)
  if text ~= '' then return whole(text, LAST_INSTANT) end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

-- Tells every node that an item has units again; the revision lets them order it with refusals
-- that they got on another connection.
local function announce(keys, item, revision, available)
  local sale = keys[1]:match('{(.-)}')
  redis.call('PUBLISH', CHANNEL,
             table.concat({sale, item, text_of(revision), text_of(available)}, ' '))
end

-- Every key must be what it should be before anything is written.
local function outbox_length(keys) return redis.call('XLEN', keys[6]) end

-- ---- grab --------------------------------------------------------------------------------------

local function window_refusal(sale, now)
  if sale.cancelled then return ENDED end
  if now < sale.starts then return NOT_STARTED end
  if now >= sale.ends then return ENDED end
  if sale.paused then return PAUSED end
  return nil
end

-- One grab against the tables; what it answers. A granted one is put into `granted`.
local function decide(g, sale, now, refusal, room, t, granted)
  local made = get(t.orders, g.id)
  if made then  -- this very grab was executed before and its answer was lost
    if made.item ~= g.item or made.quantity ~= g.quantity or made.user ~= g.user then
      return ID_CONFLICT
    end
    return {GRANTED, g.id, pack_order(made), 0, 0}
  end
  if g.request ~= '' then
    local first = get(t.requests, g.request)
    if first then
      made = get(t.orders, first)
      if not made or made.item ~= g.item or made.quantity ~= g.quantity or made.user ~= g.user then
        return KEY_MISMATCH
      end
      return {REPLAYED, first, pack_order(made)}
    end
  end
  local item = get(t.items, g.item)
  if not item then return UNKNOWN_ITEM end
  local quantity = whole(g.quantity, MAX_QUANTITY)
  if not quantity or quantity < 1 or quantity > item.most then return INVALID_QUANTITY end
  if refusal then return refusal end
  if item.frozen then return PAUSED end
  local user = get(t.users, g.user)
  if user.open ~= '' then return {ALREADY_QUEUED, user.open} end
  if (user.units[g.item] or 0) + quantity > item.limit then return LIMIT_REACHED end
  if item.available < quantity then return {SOLD_OUT, item.available, item.revision} end
  if not room then return OVERLOADED end

  item.available = item.available - quantity
  item.held = item.held + quantity
  change(t.items, g.item, item)
  local order = {state = 'r', item = g.item, quantity = g.quantity, price = item.price,
                 created = text_of(now), expires = text_of(math.min(now + sale.hold, LAST_INSTANT)),
                 request = g.request, user = g.user}
  change(t.orders, g.id, order)
  user.open = g.id
  count(user, g.item, quantity)
  change(t.users, g.user, user)
  if g.request ~= '' then change(t.requests, g.request, g.id) end
  local record = pack_order(order)
  granted[#granted + 1] = g.id
  granted[#granted + 1] = record
  return {GRANTED, g.id, record, item.available, item.revision}
end

-- epoch, now or '', then per grab: order, user, item, quantity, request or ''.
-- Answers now, the outbox entry or '', then one answer per grab.
local function grab(keys, args)
  local grabs = (#args - 2) / GRAB_ARGS
  if grabs < 1 or grabs > MAX_BATCH or grabs % 1 ~= 0 then return bad('number of grabs') end
  local sale, trouble = loaded(keys, args, 'open')
  if not sale then return trouble end
  local now = instant(args[2])
  if not now then return bad('now') end
  local t = {}
  t.items, t.orders, t.users, t.requests = tables(keys)
  local list, ids, users, items, requests = {}, {}, {}, {}, {}
  for i = 1, grabs do
    local at = 2 + (i - 1) * GRAB_ARGS
    local g = {id = args[at + 1], user = args[at + 2], item = args[at + 3],
               quantity = args[at + 4], request = args[at + 5]}
    if not g.id:find('^[1-9]%d*$') or #g.id > 19 then return bad('order id') end
    if g.user == '' then return bad('user') end
    if not g.request:find('^%x*$') then return bad('request') end
    list[i], ids[i], users[i], items[i] = g, g.id, g.user, g.item
    if g.request ~= '' then requests[#requests + 1] = g.request end
  end
  fetch(t.orders, ids)
  fetch(t.users, users)
  fetch(t.items, items)
  fetch(t.requests, requests)
  for _, user in ipairs(users) do
    if not get(t.users, user) then return redis.error_reply('SLUICE_BROKEN row of a user') end
  end
  local room = outbox_length(keys) < MAX_OUTBOX
  local refusal, granted, answers = window_refusal(sale, now), {}, {now, ''}
  for i = 1, grabs do answers[i + 2] = decide(list[i], sale, now, refusal, room, t, granted) end
  if #granted > 0 then
    store(t.items)
    store(t.orders)
    store(t.users)
    store(t.requests)
    answers[2] = redis.call('XADD', keys[6], '*', unpack(granted))
  end
  return answers
end

-- ---- what becomes of an order ------------------------------------------------------------------

local function give_back(order, quantity, id, t, final, from)
  local item, user = get(t.items, order.item), get(t.users, order.user)
  item[from] = item[from] - quantity
  item.available = item.available + quantity
  if from == 'sold' then item.refunded = item.refunded + quantity end
  item.rose = true
  count(user, order.item, -quantity)
  if user.open == id then user.open = '' end
  order.state = final
  change(t.items, order.item, item)
  change(t.users, order.user, user)
  change(t.orders, id, order)
  return MOVED
end

local function sell(order, quantity, id, t, from)
  local item, user = get(t.items, order.item), get(t.users, order.user)
  item[from] = item[from] - quantity
  item.sold = item.sold + quantity
  if user.open == id then user.open = '' end
  if from == 'available' then count(user, order.item, quantity) end
  order.state = 's'
  change(t.items, order.item, item)
  change(t.users, order.user, user)
  change(t.orders, id, order)
end

local verbs = {}

-- The order is in the record.
function verbs.commit(order, _, id, t)
  if order.state ~= 'r' then return UNCHANGED end
  order.state = 'a'
  change(t.orders, id, order)
  return MOVED
end

-- The order was given up and its payment is closed: the units go back, once.
function verbs.release(order, quantity, id, t)
  if order.state == 'x' or order.state == 'f' then return UNCHANGED end
  if order.state ~= 'r' and order.state ~= 'a' then return REFUSED end
  return give_back(order, quantity, id, t, 'x', 'held')
end

-- The record did not take the order.
function verbs.fail(order, quantity, id, t)
  if order.state == 'x' or order.state == 'f' then return UNCHANGED end
  if order.state ~= 'r' and order.state ~= 'a' then return REFUSED end
  return give_back(order, quantity, id, t, 'f', 'held')
end

function verbs.pay(order, quantity, id, t, sale)
  if order.state == 's' or order.state == 'c' then return UNCHANGED end
  if order.state == 'r' or order.state == 'a' then
    sell(order, quantity, id, t, 'held')
    return MOVED
  end
  local item, user = get(t.items, order.item), get(t.users, order.user)
  if order.state == 'f' or sale.cancelled or item.frozen or item.available < quantity or
     (user.units[order.item] or 0) + quantity > item.limit then
    return REFUND_DUE
  end
  sell(order, quantity, id, t, 'available')
  return MOVED_LATE
end

-- Money of a sold order went back: the units are on sale again.
function verbs.refund(order, quantity, id, t)
  if order.state == 's' then return give_back(order, quantity, id, t, 'c', 'sold') end
  if order.state == 'r' or order.state == 'a' then return REFUSED end
  return UNCHANGED
end

-- epoch, verb, order ids. Answers one number per order.
local function move(keys, args)
  local verb = verbs[args[2] or '']
  if not verb then return bad('verb') end
  if #args < 3 or #args - 2 > MAX_BATCH then return bad('number of orders') end
  local sale, trouble = loaded(keys, args, 'open')
  if not sale then return trouble end
  local t = {}
  t.items, t.orders, t.users = tables(keys)
  local ids, users, items, answers = {}, {}, {}, {}
  for i = 3, #args do ids[#ids + 1] = args[i] end
  fetch(t.orders, ids)
  for _, id in ipairs(ids) do
    local order = get(t.orders, id)
    if order then
      users[#users + 1] = order.user
      items[#items + 1] = order.item
    end
  end
  fetch(t.users, users)
  fetch(t.items, items)
  for i, id in ipairs(ids) do
    local order = get(t.orders, id)
    if not order then
      answers[i] = UNKNOWN_ORDER
    elseif not get(t.items, order.item) or not get(t.users, order.user) then
      return redis.error_reply('SLUICE_BROKEN order ' .. id .. ' without its item or user')
    else
      answers[i] = verb(order, tonumber(order.quantity), id, t, sale)
    end
  end
  for _, item in ipairs(t.items.order) do
    local i = get(t.items, item)
    if i.rose then i.revision = i.revision + 1 end
  end
  -- The order's new state first: units that went back without it would go back again.
  store(t.orders)
  store(t.users)
  store(t.items)
  for _, item in ipairs(t.items.order) do
    local i = get(t.items, item)
    if i.rose then announce(keys, item, i.revision, i.available) end
  end
  return answers
end

-- epoch, then outbox entries that the broker confirmed. Works in a sealed sale and after a restart:
-- that is how an outbox is drained. Answers how many were there.
local function confirm(keys, args)
  if #args < 2 or #args - 1 > MAX_BATCH then return bad('number of entries') end
  local epoch = redis.call('HGET', keys[1], 'epoch')
  if not epoch then return NOT_LOADED end
  if epoch ~= args[1] then return STALE_EPOCH end
  return redis.call('XDEL', keys[6], unpack(args, 2))
end

-- ---- what an operator changes ------------------------------------------------------------------

-- Checked window and switches from six arguments, or nil: starts, ends, hold, paused, cancelled,
-- version.
local function window_of(args, at)
  local w = {starts = whole(args[at], LAST_INSTANT), ends = whole(args[at + 1], LAST_INSTANT),
             hold = whole(args[at + 2], LAST_INSTANT), paused = args[at + 3],
             cancelled = args[at + 4], version = whole(args[at + 5], 1e15)}
  local flags = {['0'] = true, ['1'] = true}
  if not (w.starts and w.ends and w.hold and w.version and flags[w.paused or ''] and
          flags[w.cancelled or '']) then
    return nil
  end
  return w
end

local function store_window(keys, w)
  redis.call('HSET', keys[1], 'starts', text_of(w.starts), 'ends', text_of(w.ends),
             'hold', text_of(w.hold), 'paused', w.paused, 'cancelled', w.cancelled,
             'version', text_of(w.version))
end

-- epoch, then a window. An older or equal version changes nothing, so that news may overtake.
local function define(keys, args)
  local w = #args == 7 and window_of(args, 2)
  if not w then return bad('window') end
  local sale, trouble = loaded(keys, args, 'open')
  if not sale then return trouble end
  if w.version <= sale.version then return UNCHANGED end
  store_window(keys, w)
  return MOVED
end

local function item_of(args, at)
  local i = {no = args[at], price = args[at + 1], most = whole(args[at + 2], MAX_QUANTITY),
             limit = whole(args[at + 3], MAX_QUANTITY), stock = whole(args[at + 4], MAX_QUANTITY),
             version = whole(args[at + 5], 1e15)}
  if not (whole(i.no, 4294967295) and whole(i.price, 1e15) and i.most and i.limit and i.stock and
          i.version) then
    return nil
  end
  i.available, i.held, i.sold, i.refunded, i.revision, i.frozen = i.stock, 0, 0, 0, 0, false
  return i
end

-- epoch, then an item. A new one begins with its stock; of a known one the stock stays, and an
-- older or equal version changes nothing.
local function define_item(keys, args)
  local new = #args == 1 + ITEM_ARGS and item_of(args, 2)
  if not new then return bad('item') end
  local sale, trouble = loaded(keys, args, 'open')
  if not sale then return trouble end
  local items = rows(keys[2], parse_item, pack_item)
  local old = get(items, new.no)
  if old and new.version <= old.version then return UNCHANGED end
  if old then
    old.price, old.most, old.limit, old.version = new.price, new.most, new.limit, new.version
  end
  change(items, new.no, old or new)
  store(items)
  return MOVED
end

-- epoch, item, new stock. Answers sale::AdjustStockOutcome.
local function adjust(keys, args)
  if #args ~= 3 then return bad('number of arguments') end
  local sale, trouble = loaded(keys, args, 'open')
  if not sale then return trouble end
  local items = rows(keys[2], parse_item, pack_item)
  local item, stock = get(items, args[2]), whole(args[3], MAX_QUANTITY)
  if not item then return 0 end
  if item.frozen then return 1 end
  if not stock then return 2 end
  if stock < item.held + item.sold then return 3 end
  if stock == item.stock then return 4 end
  local rose = stock > item.stock
  item.stock = stock
  item.available = stock - item.held - item.sold
  if rose then item.revision = item.revision + 1 end
  change(items, args[2], item)
  store(items)
  if rose then announce(keys, args[2], item.revision, item.available) end
  return 5
end

-- ---- preloading and rebuilding -----------------------------------------------------------------

-- epoch. Stops admission before a rebuild; answers the length of the outbox, to be drained.
local function seal(keys, args)
  local epoch = redis.call('HGET', keys[1], 'epoch')
  if not epoch then return NOT_LOADED end
  if epoch ~= args[1] then return STALE_EPOCH end
  local length = outbox_length(keys)
  redis.call('HSET', keys[1], 'state', 'sealed')
  return length
end

-- epoch, a window, then the items. What is open in this run is never overwritten: it must
-- be sealed first, and its outbox drained. Answers UNCHANGED where this epoch or a later one is
-- open already, MOVED where loading may go on.
local function load_begin(keys, args)
  local w = window_of(args, 2)
  local count_of = (#args - 7) / ITEM_ARGS
  if not w or count_of % 1 ~= 0 or count_of < 0 or count_of > 1000 or not whole(args[1], 1e15) then
    return bad('definition of a sale')
  end
  local packed = {}
  for i = 0, count_of - 1 do
    local item = item_of(args, 8 + i * ITEM_ARGS)
    if not item then return bad('item') end
    packed[#packed + 1] = item.no
    packed[#packed + 1] = pack_item(item)
  end
  local s = redis.call('HMGET', keys[1], 'epoch', 'run', 'state')
  local current, new = tonumber(s[1] or 0), tonumber(args[1])
  local live = s[1] and s[3] == 'open' and s[2] == this_run()
  if live and current >= new then return UNCHANGED end
  if current >= new then return STALE_EPOCH end
  if live then return NOT_SEALED end
  if outbox_length(keys) > 0 then return NOT_DRAINED end
  redis.call('UNLINK', unpack(keys))
  redis.call('HSET', keys[1], 'epoch', args[1], 'run', this_run(), 'state', 'loading')
  store_window(keys, w)
  if #packed > 0 then redis.call('HSET', keys[2], unpack(packed)) end
  return MOVED
end

-- epoch, then per order of the record: order, user, item, quantity, price, created, expires,
-- state, request. An order that is there already is left alone: a part may be sent again.
local function load_orders(keys, args)
  local orders = (#args - 1) / LOAD_ARGS
  if orders < 1 or orders > MAX_BATCH or orders % 1 ~= 0 then return bad('number of orders') end
  local sale, trouble = loaded(keys, args, 'loading')
  if not sale then return trouble end
  local t = {}
  t.items, t.orders, t.users, t.requests = tables(keys)
  local added = 0
  for i = 0, orders - 1 do
    local a = 1 + i * LOAD_ARGS
    local id = args[a + 1]
    local o = parse_order(table.concat({args[a + 8], args[a + 3], args[a + 4], args[a + 5],
                                        args[a + 6], args[a + 7], args[a + 9], args[a + 2]}, ','))
    local item = o and get(t.items, o.item)
    local quantity = o and whole(o.quantity, MAX_QUANTITY)
    if not id:find('^[1-9]%d*$') or not o or not quantity or o.state == 'r' then
      return bad('order ' .. id)
    end
    if not item then return bad('order ' .. id .. ' of unknown item ' .. o.item) end
    if not get(t.orders, id) then
      local user = get(t.users, o.user)
      if o.state == 'a' then
        item.held = item.held + quantity
        item.available = item.available - quantity
        user.open = id
        count(user, o.item, quantity)
      elseif o.state == 's' then
        item.sold = item.sold + quantity
        item.available = item.available - quantity
        count(user, o.item, quantity)
      elseif o.state == 'c' then
        item.refunded = item.refunded + quantity
      end
      if o.state == 'a' or o.state == 's' then
        change(t.users, o.user, user)
      end
      change(t.items, o.item, item)
      change(t.orders, id, o)
      if o.request ~= '' then change(t.requests, o.request, id) end
      added = added + 1
    end
  end
  store(t.orders)
  store(t.users)
  store(t.requests)
  store(t.items)
  return added
end

-- epoch. Opens what was loaded; answers the numbers of items that are frozen because the
-- record holds more orders than stock.
local function load_open(keys, args)
  local sale, trouble = loaded(keys, args, 'loading')
  if not sale then return trouble end
  local frozen, all = {}, redis.call('HGETALL', keys[2])
  for i = 1, #all, 2 do
    local item = parse_item(all[i + 1])
    if not item or item.frozen then frozen[#frozen + 1] = all[i] end
  end
  redis.call('HSET', keys[1], 'state', 'open')
  return frozen
end

-- ---- reading -----------------------------------------------------------------------------------

-- Answers epoch, whether it was loaded in this run, state, outbox length, then item and row of
-- each item.
local function stats(keys, _)
  local s = redis.call('HMGET', keys[1], 'epoch', 'run', 'state')
  if not s[1] then return NOT_LOADED end
  local answer = {s[1], s[2] == this_run() and '1' or '0', s[3], outbox_length(keys)}
  for _, value in ipairs(redis.call('HGETALL', keys[2])) do answer[#answer + 1] = value end
  return answer
end

-- Order ids. Answers the row of each, '' where there is none.
local function find(keys, args)
  if #args < 1 or #args > MAX_BATCH then return bad('number of orders') end
  local found = redis.call('HMGET', keys[3], unpack(args))
  for i = 1, #args do found[i] = found[i] or '' end
  return found
end

-- cursor, rows to look at, instant. Answers the next cursor, then id and row of each order of this
-- part that was reserved before the instant and is still not in the record.
local function stragglers(keys, args)
  local rows_wanted, before = whole(args[2], 1000), whole(args[3], LAST_INSTANT)
  if not whole(args[1], 1e15) or not rows_wanted or not before then return bad('scan') end
  local part = redis.call('HSCAN', keys[3], args[1], 'COUNT', args[2])
  local answer = {part[1]}
  for i = 1, #part[2], 2 do
    local row = part[2][i + 1]
    if row:sub(1, 1) == 'r' then
      local order = parse_order(row)
      if order and tonumber(order.created) < before then
        answer[#answer + 1] = part[2][i]
        answer[#answer + 1] = row
      end
    end
  end
  return answer
end

redis.register_function('sluice_1_grab', grab)
redis.register_function('sluice_1_move', move)
redis.register_function('sluice_1_confirm', confirm)
redis.register_function('sluice_1_define', define)
redis.register_function('sluice_1_define_item', define_item)
redis.register_function('sluice_1_adjust', adjust)
redis.register_function('sluice_1_seal', seal)
redis.register_function('sluice_1_load_begin', load_begin)
redis.register_function('sluice_1_load_orders', load_orders)
redis.register_function('sluice_1_load_open', load_open)

local function register_reading(name, callback)
  redis.register_function{function_name = name, callback = callback, flags = {'no-writes'}}
end
register_reading('sluice_1_stats', stats)
register_reading('sluice_1_find', find)
register_reading('sluice_1_stragglers', stragglers)
