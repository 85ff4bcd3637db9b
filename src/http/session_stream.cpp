// Bodies that are written piece by piece over a session, and the responder's side of a session.
#include <boost/asio/post.hpp>
#include <utility>

#include "base/assert.h"
#include "http/session.h"

namespace sluice::http {

namespace {

/// The handler's end of a stream; going away ends the body.
class SessionStream final : public Stream {
 public:
  explicit SessionStream(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;
  ~SessionStream() override { session_->stream_finish(); }

  bool write(std::string piece) override { return session_->stream_write(piece); }
  void finish() override { session_->stream_finish(); }
  void on_closed(std::move_only_function<void()> handler) override {
    session_->stream_on_closed(std::move(handler));
  }
  void on_drained(std::move_only_function<void()> handler) override {
    session_->stream_on_drained(std::move(handler));
  }

 private:
  std::shared_ptr<Session> session_;
};

}  // namespace

Responder::~Responder() {
  if (session_) session_->drop();
}

Responder& Responder::operator=(Responder&& other) noexcept {
  const Responder replaced(std::exchange(session_, std::exchange(other.session_, nullptr)));
  return *this;
}

void Responder::send(Response&& response) {
  if (const auto session = std::exchange(session_, nullptr)) session->answer(std::move(response));
}

std::shared_ptr<Stream> Responder::stream(Response&& head) {
  SLUICE_ASSERT(session_ != nullptr, "a request is answered once");
  const auto session = std::exchange(session_, nullptr);
  session->begin_stream(std::move(head));
  return std::make_shared<SessionStream>(session);
}

void Session::begin_stream(Response&& head) {
  if (phase_ != Phase::busy) return;
  phase_ = Phase::streaming;
  hooks_ = std::make_unique<StreamHooks>();
  std::string bytes;
  append_stream_head(bytes, head, wire_options(false));
  stream_bytes(bytes);
  if (head_only_) stream_finish();
}

/// While requests of this connection are being processed, the stream's bytes must follow the
/// responses that wait in the batch.
void Session::stream_bytes(std::string_view bytes) {
  if (worker_.current == this) {
    worker_.batch.append(bytes);
    if (worker_.batch.size() > kMaxBatchBytes) flush();
  } else {
    write_out(bytes);
  }
}

bool Session::stream_write(std::string_view piece) {
  if (phase_ != Phase::streaming) return false;
  hooks_->written = true;
  stream_bytes(piece);
  if (writing_.size() - written_ + queued_.size() > kMaxStreamBacklog) close();
  if (phase_ == Phase::streaming && !write_pending_) post_drained();
  return phase_ == Phase::streaming;
}

void Session::stream_finish() {
  if (phase_ != Phase::streaming) return;
  phase_ = Phase::idle;
  closing_ = true;
  hooks_.reset();
  if (worker_.current != this) after_batch();
}

void Session::stream_on_closed(std::move_only_function<void()> handler) {
  if (phase_ == Phase::streaming) {
    hooks_->closed = std::move(handler);
  } else if (phase_ == Phase::closed) {
    worker_.post(std::move(handler));
  }
}

void Session::stream_on_drained(std::move_only_function<void()> handler) {
  if (phase_ != Phase::streaming) return;
  hooks_->drained = std::move(handler);
  if (!write_pending_) post_drained();
}

/// Later rather than now, so that a handler which writes from inside the hook does not recurse.
void Session::post_drained() {
  if (!hooks_->drained || hooks_->drained_posted) return;
  hooks_->drained_posted = true;
  boost::asio::post(worker_.io(), [this, self = self_] {
    if (phase_ != Phase::streaming) return;
    hooks_->drained_posted = false;
    if (!write_pending_) on_drained();
  });
}

void Session::on_drained() {
  if (!hooks_->drained) return;
  // The hook may end the stream or replace itself: it runs from a place of its own.
  auto drained = std::move(hooks_->drained);
  hooks_->drained = nullptr;
  hooks_->written = false;
  drained();
  if (!hooks_) return;
  if (!hooks_->drained) hooks_->drained = std::move(drained);
  if (hooks_->written && !write_pending_) post_drained();
}

}  // namespace sluice::http
