# The rounds of bench/cluster.sh as one result: medians, ratios, and what the workers wrote.
def median: sort | .[length / 2 | floor];
# Orders a second between two samples of the backlog; null when the round was too short for two.
def rate($from; $to): if $to.at_ms == null or $to.at_ms <= $from.at_ms then null else ($to.written - $from.written) / (($to.at_ms - $from.at_ms) / 1000) end;
def in_rush: [.backlog[] | select(.accepted > 0)] as $seen
  | ($seen | map(.accepted) | max) as $all
  | {first: $seen[0], last: ([$seen[] | select(.accepted == $all)][0]),
     end: ([$seen[] | select(.written == $all)][0])};
# NAME against the better peer of the same round.
def per_round($name): [map(select(.name == $name)), map(select(.name == "redis_here")),
  map(select(.name == "redis_free"))] | map(map(.per_second)) | transpose | map(.[0] / (.[1:] | max));
{machine: ($machine + {mariadb: $mariadb, rabbitmq: $rabbitmq}), requests: $requests, queues: $queues,
 load_before: ($load_before | tonumber),
 connections: $connections, rounds: .,
 medians: (group_by(.name) | map({key: .[0].name, value: {
   per_second: (map(.per_second) | median), cpu_us: (map(.cpu_us) | median),
   p50_ms: (map(.p50_ms) | median), p99_ms: (map(.p99_ms) | median)}}) | from_entries),
 round_ratios: {accepted_to_redis: per_round("accepted"), sold_out_to_redis: per_round("sold_out")},
 parts_us: (map(.parts_us | values) | map(to_entries[]) | group_by(.key)
   | map({key: .[0].key, value: (map(.value) | median)}) | from_entries),
 written_per_second: ([.[] | select(.backlog) | in_rush | rate(.first; .last) | values] | median),
 drained_per_second: ([.[] | select(.backlog) | in_rush
   | rate(.last; .end) | values] | median)}
| .ratios = {accepted_to_redis: (.medians.accepted.per_second /
               ([.medians.redis_here.per_second, .medians.redis_free.per_second] | max)),
             sold_out_to_redis: (.medians.sold_out.per_second /
               ([.medians.redis_here.per_second, .medians.redis_free.per_second] | max))}
