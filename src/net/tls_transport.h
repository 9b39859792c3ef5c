// TLS over a non-blocking socket, with OpenSSL doing the cryptography and env::Net the system calls.
//
// Made by a TlsContext. Belongs to its connection's I/O thread, like every transport. While the socket is
// lent, a worker writes through it at the same time as that thread reads; an SSL object stands no two threads
// at once, so each use of it holds a lock, for one record (16 KB) at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "net/tls_context.h"
#include "net/transport.h"

struct bio_st;

namespace hearth::net {

// How an SSL object moves its bytes: over the TlsTransport that its data points to. Null when memory is
// short.
bio_method_st* MakeSocketMethod();
void FreeSocketMethod(bio_method_st* method);

// "what: " and the text of OpenSSL's oldest error on this thread, which is taken away.
std::string TakeTlsError(const std::string& what);

class TlsTransport final : public Transport {
 public:
  // The most that one record carries.
  static constexpr size_t kRecordBytes = 16 * 1024;
  // A quarter of a millisecond of work at most.
  static constexpr size_t kMostBytes = 8 * kRecordBytes;

  // Takes `ssl` over, which has its role but no BIO yet.
  TlsTransport(std::shared_ptr<const TlsContext> context, bio_method_st* method, ssl_st* ssl, env::Net& net,
               int fd);
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  int64_t Read(char* to, size_t size) override;
  int64_t Writev(const iovec* parts, int count) override;
  int Handshake() override;
  std::string failure() const override;
  void End() override;

 private:
  friend bio_method_st* MakeSocketMethod();
  static int ReadSocket(bio_st* bio, char* to, int size);
  static int WriteSocket(bio_st* bio, const char* from, int size);
  static long Control(bio_st* bio, int command, long number, void* pointer);

  int64_t WriteRecord(const char* bytes, size_t size);
  int64_t CodeOf(int outcome);
  std::string DescribeFailure() const;

  const std::shared_ptr<const TlsContext> context_;
  env::Net& net_;
  const int fd_;
  mutable std::mutex mutex_;
  // All below is used under mutex_.
  ssl_st* const ssl_;
  bool is_ready_ = false;    // the handshake is done
  bool has_failed_ = false;  // nothing more may be asked of ssl_
  bool is_drained_ = false;  // the socket had no more when it was last read
  bool has_bytes_ = false;   // to be returned by this call
  int64_t end_code_ = 0;     // what the next Read returns, once has_met_end_
  int socket_error_ = 0;     // the errno that reading or writing met
  bool socket_ended_ = false;
  std::string failure_;
};

}  // namespace hearth::net
