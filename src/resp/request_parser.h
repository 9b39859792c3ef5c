// Incremental parser of what clients send: arrays of bulk strings ("multibulk") and inline lines. Works over
// one contiguous buffer that its owner fills; knows no sockets. One parser per connection, used by its I/O
// thread.
//
// The parser keeps its place inside a half-received request, so every byte is looked at once however the
// input is cut. Nothing is allocated for what is only announced: arguments are appended as they arrive.
//
// The limits and error texts are those that clients of Redis 7 know: docs/formats/resp.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::resp {

// One complete request: a run of arguments in ParsedRequests::args. `command`, `flags` and `key_hash` are for
// the engine's resolver; the parser leaves them as they are initialised here.
struct Request {
  static constexpr uint16_t kUnknownCommand = 0xffff;

  uint32_t first_arg = 0;
  uint32_t arg_count = 0;  // at least 1
  uint16_t command = kUnknownCommand;
  uint16_t flags = 0;
  uint64_t end = 0;  // behind its last byte, from the start of the input
  uint64_t key_hash = 0;
};

// The requests of a batch. Views point into the parser's input buffer.
struct ParsedRequests {
  std::vector<std::string_view> args;
  std::vector<Request> requests;
  const char* input = nullptr;  // where the buffer stood when it was last parsed

  // The bytes that a request came as, with the empty lines before it. An inline request with quotes has lost
  // them.
  std::string_view Raw(size_t index) const {
    const uint64_t begin = index == 0 ? 0 : requests[index - 1].end;
    return {input + begin, static_cast<size_t>(requests[index].end - begin)};
  }
};

struct RequestLimits {
  size_t max_bulk_bytes = 512u * 1024 * 1024;  // proto-max-bulk-len
  // Until a client has authenticated, its requests may have 10 arguments of 16384 bytes.
  bool authenticated = true;
  size_t max_requests = 512;  // in one batch
};

class RequestParser {
 public:
  static constexpr size_t kMaxInlineBytes = 64 * 1024;
  static constexpr size_t kMaxArguments = 2147483647;
  static constexpr size_t kUnauthenticatedArguments = 10;
  static constexpr size_t kUnauthenticatedBulkBytes = 16384;

  enum class Outcome {
    kNeedMore,   // all complete requests are out; the rest of the input is the beginning of one, or nothing
    kBatchFull,  // stopped at a limit of this batch; call again for the rest after the batch is done
    kError,      // see error(); the input cannot be understood from here on
  };

  // Parses on in `data`, the whole buffer, and appends what becomes complete to `out`. Quoted inline
  // arguments are unescaped in place, hence the mutable buffer. Between calls the owner may append to the
  // buffer freely, must call Discard after removing bytes from its front, and Rebase after moving it.
  Outcome Parse(char* data, size_t size, const RequestLimits& limits, ParsedRequests& out);

  // Bytes at the front of the buffer that belong to complete requests (or to nothing) and may be removed once
  // the batch is done.
  size_t consumed() const { return request_start_; }

  // The batch is done: drops its complete requests from `out`, keeping the arguments of a half-received one,
  // and takes the first consumed() bytes as removed, with the rest now standing at `new_data`, the start of
  // the buffer.
  void Discard(const char* old_data, const char* new_data, ParsedRequests& out);

  // The buffer has moved from `old_data` to `new_data` with the same contents.
  void Rebase(const char* old_data, const char* new_data, ParsedRequests& out) const;

  // True inside a request: some of it has arrived.
  bool in_request(size_t size) const { return size > request_start_; }

  // While a bulk string is awaited: the buffer size (from its start) at which it is complete. Else 0.
  size_t awaited_size() const {
    return bulk_length_ < 0 ? 0 : position_ + static_cast<size_t>(bulk_length_) + 2;
  }

  // "Protocol error: ..." after kError; the reply is "-ERR " and this.
  std::string_view error() const { return error_; }

 private:
  enum class Step { kDone, kNeedMore, kBatchFull, kError };

  Step ParseCount(char* data, size_t size, const RequestLimits& limits, const ParsedRequests& out);
  Step ParseBulks(char* data, size_t size, const RequestLimits& limits, ParsedRequests& out);
  Step ParseBulkLength(char* data, size_t size, const RequestLimits& limits, const ParsedRequests& out);
  Step ParseInline(char* data, size_t size, ParsedRequests& out);
  Step ReadLine(const char* data, size_t size, char last_byte, std::string_view too_big,
                std::string_view* line);
  Step FailWith(std::string_view text);
  void FinishRequest(ParsedRequests& out);

  size_t request_start_ = 0;  // offset of the current request's first byte
  size_t position_ = 0;       // next byte to parse
  size_t scanned_ = 0;        // bytes before this hold no line end that position_ waits for
  int64_t args_left_ = 0;     // of the current multibulk; 0 = between requests
  int64_t bulk_length_ = -1;  // of the bulk string now awaited; -1 = its header is next
  uint32_t first_arg_ = 0;    // where the current request's arguments begin in args
  std::string_view error_;
  char got_text_[40];  // error text that names the offending byte
};

}  // namespace hearth::resp
