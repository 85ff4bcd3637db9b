// The two transports of a session: plain TCP and TLS over it.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "http/session.h"

namespace sluice::http {

/// Bound to io_context itself: the type-erased executor costs on every operation.
using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;

std::shared_ptr<Session> make_plain_session(Worker& worker, Socket&& socket);
std::shared_ptr<Session> make_tls_session(Worker& worker, Socket&& socket,
                                          boost::asio::ssl::context& tls);

}  // namespace sluice::http
