// Tests of the server over TLS: the same connection code behind another transport.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <filesystem>

#include "http/client.h"
#include "http/test_server.h"

namespace sluice::http {
namespace {

namespace net = boost::asio;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A folder with a key and a self-signed certificate for 127.0.0.1, removed at the end.
class Identity {
 public:
  Identity() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-tls-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    const std::string common = "sluice test";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
                               reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    std::FILE* file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity() { std::filesystem::remove_all(folder_); }

  std::string key_file() const { return folder_ + "/key.pem"; }
  std::string certificate_file() const { return folder_ + "/certificate.pem"; }

 private:
  std::string folder_;
};

class TlsTest : public ::testing::Test {
 protected:
  ServerOptions with_tls(ServerOptions options = {}) const {
    options.listen.certificate_file = identity_.certificate_file();
    options.listen.private_key_file = identity_.key_file();
    return options;
  }
  Identity identity_;
};

/// A blocking TLS client that trusts one certificate.
class TlsPeer {
 public:
  TlsPeer(std::uint16_t port, const std::string& trusted)
      : context_(net::ssl::context::tls_client), stream_(io_, prepare(context_, trusted)) {
    stream_.next_layer().connect({net::ip::address_v4::loopback(), port});
    stream_.handshake(net::ssl::stream_base::client);
  }
  void send(std::string_view bytes) { net::write(stream_, net::buffer(bytes)); }
  /// Everything until the server closes; `truncated` when it did so without saying.
  std::string rest(bool& truncated) {
    std::string all;
    boost::system::error_code error;
    net::read(stream_, net::dynamic_buffer(all), error);
    truncated = error == net::ssl::error::stream_truncated;
    return all;
  }

 private:
  static net::ssl::context& prepare(net::ssl::context& context, const std::string& trusted) {
    context.load_verify_file(trusted);
    context.set_verify_mode(net::ssl::verify_peer);
    context.set_verify_callback(net::ssl::host_name_verification("127.0.0.1"));
    return context;
  }

  net::io_context io_;
  net::ssl::context context_;
  net::ssl::stream<net::ip::tcp::socket> stream_;
};

TEST_F(TlsTest, RequestsAreServedAndTheEndIsSaid) {
  const std::string large(500'000, 'z');
  const auto server = start(
      [&](const Request& request, Responder responder, IoThread&) {
        responder.send(text(request.path == "/large" ? large : std::string(request.body)));
      },
      with_tls());
  TlsPeer peer(server->port(), identity_.certificate_file());
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/large"));
  peer.send(get("/", "Connection: close\r\n"));
  bool truncated = true;
  const std::string all = peer.rest(truncated);
  EXPECT_FALSE(truncated);
  EXPECT_THAT(all, HasSubstr("\r\n\r\nhello"));
  EXPECT_THAT(all, HasSubstr(large));
  EXPECT_THAT(all, EndsWith("Connection: close\r\n\r\n"));
  EXPECT_EQ(server->counts().requests, 3U);
}

TEST_F(TlsTest, StreamsAndRefusals) {
  const auto server = start(
      [](const Request&, Responder responder, IoThread&) {
        const auto stream = responder.stream(text(""));
        stream->write("one ");
        stream->write("two");
      },
      with_tls());
  bool truncated = true;
  TlsPeer streaming(server->port(), identity_.certificate_file());
  streaming.send(get("/"));
  EXPECT_THAT(streaming.rest(truncated), EndsWith("\r\n\r\none two"));
  EXPECT_FALSE(truncated);
  TlsPeer hostile(server->port(), identity_.certificate_file());
  hostile.send(get("/", "Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(hostile.rest(truncated), StartsWith("HTTP/1.1 501 "));
}

TEST_F(TlsTest, PlainTextAndSilenceAreClosed) {
  ServerOptions options;
  options.header_timeout = Span{40};
  const auto server = start(echo, with_tls(options));
  Peer plain(server->port());
  plain.send(get("/"));
  plain.rest();
  Peer silent(server->port());
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(server->counts().requests, 0U);
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  const auto server = start(echo, with_tls());
  net::io_context io;
  net::ssl::context context(net::ssl::context::tls_client);
  SSL_CTX_set_security_level(context.native_handle(), 0);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION);
  net::ssl::stream<net::ip::tcp::socket> stream(io, context);
  stream.next_layer().connect({net::ip::address_v4::loopback(), server->port()});
  boost::system::error_code error;
  stream.handshake(net::ssl::stream_base::client, error);
  EXPECT_TRUE(error);
}

TEST_F(TlsTest, APeerThatGoesAwayAndAServerThatStops) {
  const auto server = start(echo, with_tls());
  {
    TlsPeer gone(server->port(), identity_.certificate_file());
    gone.send(get("/"));
  }
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
  const TlsPeer idle(server->port(), identity_.certificate_file());
  server->stop(Span::seconds(20));
  EXPECT_EQ(server->counts().connections_open, 0U);
}

TEST_F(TlsTest, AKeyOfAnotherCertificateIsRefusedAtTheStart) {
  const Identity other;
  ServerOptions options = with_tls();
  options.listen.port = 0;
  options.listen.private_key_file = other.key_file();
  const auto server = Server::start(
      options, [](IoThread& thread) { return std::make_unique<FunctionService>(echo, thread); });
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("belongs to the certificate"));
}

TEST_F(TlsTest, TheClientDoesNotTrustAStranger) {
  const auto server = start(echo, with_tls());
  const auto answer = perform({.url = "https://127.0.0.1:" + std::to_string(server->port()) + "/"});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("certificate"));
}

TEST_F(TlsTest, ClientsMayPinTheCertificate) {
  const auto server = start(echo, with_tls());
  // By another name than the certificate's, which the pin makes no difference to.
  const std::string url = "https://localhost:" + std::to_string(server->port()) + "/";
  const auto status_with = [&url](const std::string& file) {
    ClientRequest request;
    request.url = url;
    request.pinned_certificate_file = file;
    request.direct = true;
    const auto answer = perform(request);
    return answer ? answer->status : 0;
  };
  const Identity other;
  EXPECT_EQ(status_with(identity_.certificate_file()), 200);
  EXPECT_EQ(status_with(other.certificate_file()), 0);
  EXPECT_EQ(status_with(identity_.key_file()), 0);
  EXPECT_EQ(status_with("/no/such/file"), 0);
  EXPECT_EQ(status_with(""), 0);
}

}  // namespace
}  // namespace sluice::http
