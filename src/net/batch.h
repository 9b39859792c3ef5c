// The requests that one connection sent and that are now ready to run. Made by the I/O side, run by the
// engine, given back with Connection::CompleteBatch. A connection has at most one batch outstanding and is
// not read while it has.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "resp/request_parser.h"

namespace hearth::net {

using resp::Request;
class Connection;

class Batch {
 public:
  Connection& connection() { return *connection_; }
  std::span<Request> requests() { return parsed_.requests; }
  // Valid until the batch is completed.
  std::span<const std::string_view> args(const Request& request) const {
    return {parsed_.args.data() + request.first_arg, request.arg_count};
  }
  // The bytes that a request came as; valid as long.
  std::string_view Raw(size_t index) const { return parsed_.Raw(index); }
  // Not empty if the input after these requests was not the protocol: answer "-ERR " and this after the
  // requests, then Connection::CloseAfterReply. "Protocol error: ...".
  std::string_view protocol_error() const { return protocol_error_; }

  // The next request to run: the engine's note, for when it stops in the middle (a blocked client).
  size_t next = 0;

 private:
  friend class IoLoop;
  friend class Connection;

  Connection* connection_ = nullptr;
  resp::ParsedRequests parsed_;
  std::string_view protocol_error_;
};

}  // namespace hearth::net
