// The table of all configuration keys.
#include <array>

#include "app/config.h"

namespace sluice::app {

namespace {

constexpr std::int64_t kMillion = 1'000'000;

constexpr std::array kKeys = {
    Key{"server.listen", KeyType::endpoint, "127.0.0.1:8080", "address of the shop, HOST:PORT"},
    Key{"server.admin_listen", KeyType::endpoint, "",
        "an address of its own for the operator API; empty: served with the shop"},
    Key{"server.data", KeyType::path, "./sluice-data", "directory of the record, keys and logs"},
    Key{"server.roles", KeyType::list, "sale,pay,console",
        "what this process does; pay is the payment service, console the operator API", false, 0, 0,
        "sale,pay,worker,console"},
    Key{"server.threads", KeyType::integer, "0", "I/O threads; 0: one per hardware thread", false,
        0, 1024},
    Key{"server.max_connections", KeyType::integer, "20000", "open connections", false, 1,
        kMillion},
    Key{"server.drain", KeyType::duration, "1s",
        "how long /readyz answers 503 before the listener closes"},
    Key{"server.grace", KeyType::duration, "10s",
        "how long requests in flight may take at the end"},
    Key{"server.tls_certificate", KeyType::path, "", "PEM chain; with the key: HTTPS"},
    Key{"server.tls_private_key", KeyType::path, "", "PEM key of the certificate"},
    Key{"auth.hs256_secret", KeyType::text, "",
        "key of HS256 tokens, at least 16 bytes; empty: generated for loopback use", true},
    Key{"auth.ed25519_public_key_file", KeyType::path, "", "PEM key that verifies EdDSA tokens"},
    Key{"auth.issuer", KeyType::text, "", "required iss of tokens; empty: not checked"},
    Key{"auth.audience", KeyType::text, "", "required aud of tokens; empty: not checked"},
    Key{"auth.console_password", KeyType::text, "",
        "opens the console, at least 12 bytes; empty: generated at the first start", true},
    Key{"limits.user_per_second", KeyType::integer, "0", "requests per user; 0: no limit", false, 0,
        kMillion},
    Key{"limits.address_per_second", KeyType::integer, "0", "requests per address; 0: no limit",
        false, 0, kMillion},
    Key{"limits.trust_forwarded_for", KeyType::boolean, "false",
        "take addresses from X-Forwarded-For; only behind a proxy that sets it"},
    Key{"log.format", KeyType::choice, "text", "form of log lines", false, 0, 0, "text,json"},
    Key{"log.level", KeyType::choice, "info", "least severe level that is logged", false, 0, 0,
        "trace,debug,info,warn,error,critical,off"},
    Key{"log.file", KeyType::path, "", "appended to; empty: standard error"},
    Key{"engine.kind", KeyType::choice, "embedded", "where the hot state lives", false, 0, 0,
        "embedded,cluster"},
    Key{"engine.queue", KeyType::integer, "65536", "commands that may wait; more get 503", false, 1,
        16 * kMillion},
    Key{"redis.url", KeyType::text, "", "cluster engine: redis://host:port/db", true},
    Key{"rabbitmq.url", KeyType::text, "",
        "amqp://user:password@host:port/vhost; payment notifications travel over it; empty: inside "
        "the process",
        true},
    Key{"rabbitmq.queue_type", KeyType::choice, "quorum",
        "how queues are declared; classic: durable and without arguments", false, 0, 0,
        "quorum,classic"},
    Key{"database.url", KeyType::text, "", "cluster engine: mysql://user:password@host:port/name",
        true},
    Key{"wechat.api", KeyType::choice, "v3", "version of the gateway's API", false, 0, 0, "v2,v3"},
    Key{"wechat.base_url", KeyType::text, "https://api.mch.weixin.qq.com",
        "address of the gateway, without a path"},
    Key{"wechat.appid", KeyType::text, "", "application id"},
    Key{"wechat.mch_id", KeyType::text, "", "merchant id"},
    Key{"wechat.notify_url", KeyType::text, "",
        "where the gateway sends notifications: this server's /weixin/pay/notify/url"},
    Key{"wechat.api_key", KeyType::text, "", "v2: signing key", true},
    Key{"wechat.sign_type", KeyType::choice, "HMAC-SHA256", "v2: how requests are signed", false, 0,
        0, "MD5,HMAC-SHA256"},
    Key{"wechat.merchant_certificate_file", KeyType::path, "",
        "v2: PEM certificate that refunds need; with merchant_private_key_file"},
    Key{"wechat.api_v3_key", KeyType::text, "", "v3: key of encrypted notifications", true},
    Key{"wechat.merchant_serial", KeyType::text, "", "v3: serial of the merchant certificate"},
    Key{"wechat.merchant_private_key_file", KeyType::path, "",
        "PEM key; v3: signs requests; v2: of the certificate"},
    Key{"wechat.platform_serial", KeyType::text, "", "v3: serial or id of the platform key"},
    Key{"wechat.platform_public_key_file", KeyType::path, "",
        "v3: PEM key or certificate that verifies answers; empty: certificates are downloaded"},
    Key{"webhook.url", KeyType::text, "",
        "where events of orders are sent; more places with the operator API"},
    Key{"webhook.secret", KeyType::text, "", "key that webhooks are signed with", true},
    Key{"webhook.events", KeyType::list,
        "order.paid,order.expired,order.cancelled,order.refunded,item.sold_out",
        "what webhook.url is told", false, 0, 0,
        "order.paid,order.expired,order.cancelled,order.refunded,item.sold_out"},
    Key{"webhook.public_only", KeyType::boolean, "false",
        "refuse receivers at loopback and private addresses"},
    Key{"webhook.timeout", KeyType::duration, "10s", "how long one delivery may take"},
    Key{"webhook.retention", KeyType::duration, "7d", "how long finished deliveries are kept"},
    Key{"payment.exchange", KeyType::text, "exchange.order", "exchange of payment notifications"},
    Key{"payment.order_queue", KeyType::text, "queue.order", "queue of other services' orders"},
    Key{"payment.sale_queue", KeyType::text, "queueSeckillOrder", "queue of this server's orders"},
    Key{"payment.destinations", KeyType::list, "",
        "more places for notifications, EXCHANGE/QUEUE, comma-separated"},
    Key{"payment.lifetime", KeyType::duration, "2h",
        "how long an order of another service can be paid"},
    Key{"payment.timeout", KeyType::duration, "10s",
        "how long one call to the gateway may take, with its repetitions"},
    Key{"payment.close_attempts", KeyType::integer, "10",
        "closings the gateway may refuse before the order is a person's", false, 1, 255},
    Key{"payment.close_retry", KeyType::duration, "2s",
        "pause before a refused closing is asked again; doubles up to 5 minutes"},
    Key{"payment.reconcile_after", KeyType::duration, "15s",
        "age at which a payment without a notification is asked for; doubles up to 10 minutes"},
};

}  // namespace

std::span<const Key> config_keys() {
  return kKeys;
}

}  // namespace sluice::app
