#include "net/tls_transport.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace hearth::net {
namespace {

// A kind that is neither the library's nor one that BIO_get_new_index gives out: there are few of those, and
// contexts are made over and over.
constexpr int kSocketBioType = BIO_TYPE_SOURCE_SINK | 0x7f;

}  // namespace

std::string TakeTlsError(const std::string& what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char text[256] = "unknown error";
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  return what + ": " + text;
}

bio_method_st* MakeSocketMethod() {
  BIO_METHOD* const method = BIO_meth_new(kSocketBioType, "hearth socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read(method, &TlsTransport::ReadSocket);
  BIO_meth_set_write(method, &TlsTransport::WriteSocket);
  BIO_meth_set_ctrl(method, &TlsTransport::Control);
  return method;
}

void FreeSocketMethod(bio_method_st* method) { BIO_meth_free(method); }

TlsTransport::TlsTransport(std::shared_ptr<const TlsContext> context, bio_method_st* method, ssl_st* ssl,
                           env::Net& net, int fd)
    : Transport(/*is_tls=*/true, kMostBytes), context_(std::move(context)), net_(net), fd_(fd), ssl_(ssl) {
  BIO* const bio = BIO_new(method);
  HEARTH_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
}

TlsTransport::~TlsTransport() { SSL_free(ssl_); }

// ---- what OpenSSL calls, always from inside one of our calls and under mutex_

// A read that got less than there was room for has emptied the socket: when the call has bytes to return
// already, asking again would be a system call for nothing. A call that has none asks until the socket itself
// says that it has no more: the peer's end may stand behind the last bytes, and no readiness would tell of
// it.
int TlsTransport::ReadSocket(bio_st* bio, char* to, int size) {
  auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.is_drained_ || !self.has_bytes_) {
    const int64_t got = self.net_.Read(self.fd_, to, static_cast<size_t>(size));
    self.is_drained_ = got < size;
    if (got > 0) return static_cast<int>(got);
    if (got == 0) {
      self.socket_ended_ = true;
      return 0;
    }
    if (got != -EAGAIN) {
      self.socket_error_ = static_cast<int>(-got);
      return -1;
    }
  }
  BIO_set_retry_read(bio);
  return -1;
}

int TlsTransport::WriteSocket(bio_st* bio, const char* from, int size) {
  auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const iovec part{const_cast<char*>(from), static_cast<size_t>(size)};
  const int64_t put = self.net_.Writev(self.fd_, &part, 1);
  if (put >= 0) return static_cast<int>(put);
  if (put == -EAGAIN) {
    BIO_set_retry_write(bio);
  } else {
    self.socket_error_ = static_cast<int>(-put);
  }
  return -1;
}

long TlsTransport::Control(bio_st*, int command, long, void*) {
  // Nothing is kept back here.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// ---- what connections call

int TlsTransport::Handshake() {
  const std::lock_guard lock(mutex_);
  if (is_ready_) return 0;
  if (has_failed_) return -EPROTO;
  has_bytes_ = false;
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_);
  if (outcome == 1) {
    is_ready_ = true;
    return 0;
  }
  const int64_t code = CodeOf(outcome);
  if (code == -EAGAIN) return -EAGAIN;
  has_failed_ = true;
  return code == 0 ? -ECONNRESET : static_cast<int>(code);
}

int64_t TlsTransport::Read(char* to, size_t size) {
  const std::lock_guard lock(mutex_);
  if (has_met_end_) return end_code_;
  if (has_failed_) return -EPROTO;
  is_drained_ = has_bytes_ = false;
  size_t filled = 0;
  while (filled < size) {
    ERR_clear_error();
    size_t got = 0;
    const int outcome = SSL_read_ex(ssl_, to + filled, size - filled, &got);
    if (outcome == 1) {
      filled += got;
      has_bytes_ = true;
      if (is_drained_ && SSL_has_pending(ssl_) == 0) break;
      continue;
    }
    const int64_t code = CodeOf(outcome);
    if (code == -EAGAIN) break;
    has_met_end_ = true;
    end_code_ = code;
    has_failed_ |= code != 0;
    if (filled == 0) return code;
    break;
  }
  return filled > 0 ? static_cast<int64_t>(filled) : -EAGAIN;
}

// Small parts are gathered into whole records: a record costs as much as some kilobytes of encryption. What
// was tried once and met a full socket comes again with the same bytes in front, as OpenSSL wants it, since
// callers keep what was not taken.
int64_t TlsTransport::Writev(const iovec* parts, int count) {
  char gathered[kRecordBytes];
  int64_t written = 0;
  size_t begin = 0;  // in the first of the parts
  while (count > 0) {
    const char* bytes = static_cast<const char*>(parts->iov_base) + begin;
    size_t size = std::min(parts->iov_len - begin, kRecordBytes);
    if (size < kRecordBytes && count > 1) {
      memcpy(gathered, bytes, size);
      bytes = gathered;
      for (int i = 1; i < count && size < kRecordBytes; ++i) {
        const size_t piece = std::min(parts[i].iov_len, kRecordBytes - size);
        memcpy(gathered + size, parts[i].iov_base, piece);
        size += piece;
      }
    }
    const int64_t put = size == 0 ? 0 : WriteRecord(bytes, size);
    if (put == -EAGAIN) break;
    if (put < 0) return put;
    written += put;
    begin += static_cast<size_t>(put);
    while (count > 0 && begin >= parts->iov_len) {
      begin -= parts->iov_len;
      ++parts;
      --count;
    }
  }
  return written > 0 || count == 0 ? written : -EAGAIN;
}

int64_t TlsTransport::WriteRecord(const char* bytes, size_t size) {
  const std::lock_guard lock(mutex_);
  if (has_failed_) return -EPIPE;
  ERR_clear_error();
  size_t put = 0;
  const int outcome = SSL_write_ex(ssl_, bytes, size, &put);
  if (outcome == 1) return static_cast<int64_t>(put);
  const int64_t code = CodeOf(outcome);
  if (code == -EAGAIN) return -EAGAIN;
  has_failed_ = true;
  return code == 0 ? -EPIPE : code;
}

void TlsTransport::End() {
  const std::lock_guard lock(mutex_);
  if (!is_ready_ || has_failed_) return;
  has_failed_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

std::string TlsTransport::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

// What the last call on ssl_ came to, as Read has it.
int64_t TlsTransport::CodeOf(int outcome) {
  switch (SSL_get_error(ssl_, outcome)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
      failure_ = "the peer has ended the connection";
      return 0;
    default:
      break;
  }
  // That the peer goes without a goodbye is common, and our protocols tell what is complete.
  if (socket_error_ == 0 && socket_ended_) {
    failure_ = is_ready_ ? "the peer has ended the connection"
                         : "the peer has ended the connection during the handshake";
    ERR_clear_error();
    return 0;
  }
  failure_ = DescribeFailure();
  return socket_error_ != 0 ? -socket_error_ : -EPROTO;
}

std::string TlsTransport::DescribeFailure() const {
  if (socket_error_ != 0) {
    ERR_clear_error();
    return strerror(socket_error_);
  }
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char text[256] = "unknown error of TLS";
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  // "certificate verify failed" alone leaves the operator guessing.
  const long verified = SSL_get_verify_result(ssl_);
  const bool is_about_certificate =
      ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (!is_about_certificate || verified == X509_V_OK) return text;
  return std::string(text) + " (" + X509_verify_cert_error_string(verified) + ")";
}

}  // namespace hearth::net
