// The request parser must give the same requests and the same error however its input is cut; the reply
// parser must survive anything. The first byte seeds the cutting.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/prng.h"
#include "resp/reply_parser.h"
#include "resp/request_parser.h"

namespace {

using hearth::Prng;
using hearth::resp::ParsedRequests;
using hearth::resp::ReplyParser;
using hearth::resp::Request;
using hearth::resp::RequestLimits;
using hearth::resp::RequestParser;

struct Outcome {
  std::vector<std::vector<std::string>> requests;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome Parse(std::string_view input, Prng* prng, const RequestLimits& limits) {
  RequestParser parser;
  ParsedRequests parsed;
  std::vector<char> buffer;
  Outcome outcome;
  do {
    const size_t size = prng == nullptr ? input.size() : std::min<size_t>(input.size(), prng->Below(40));
    std::vector<char> moved(buffer);
    moved.insert(moved.end(), input.begin(), input.begin() + static_cast<ptrdiff_t>(size));
    input.remove_prefix(size);
    parser.Rebase(buffer.data(), moved.data(), parsed);
    buffer.swap(moved);
    RequestParser::Outcome result;
    do {
      result = parser.Parse(buffer.data(), buffer.size(), limits, parsed);
      for (const Request& request : parsed.requests) {
        auto& args = outcome.requests.emplace_back();
        HEARTH_ASSERT(request.arg_count > 0);
        for (uint32_t i = 0; i < request.arg_count; ++i)
          args.emplace_back(parsed.args[request.first_arg + i]);
      }
      std::vector<char> rest(buffer.begin() + static_cast<ptrdiff_t>(parser.consumed()), buffer.end());
      parser.Discard(buffer.data(), rest.data(), parsed);
      buffer.swap(rest);
    } while (result == RequestParser::Outcome::kBatchFull);
    if (result == RequestParser::Outcome::kError) {
      outcome.error = parser.error();
      return outcome;
    }
  } while (!input.empty());
  return outcome;
}

void ParseReplies(std::string_view input, Prng& prng) {
  ReplyParser parser(
      {.max_depth = 8, .max_bulk_bytes = 1 << 20, .max_elements = 4096, .max_line_bytes = 4096});
  while (!input.empty()) {
    std::string_view piece = input.substr(0, 1 + prng.Below(40));
    input.remove_prefix(piece.size());
    while (!piece.empty()) {
      const auto complete = parser.Feed(piece);
      if (!complete) return;
      if (*complete) parser.TakeReply();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Prng prng(data[0]);
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const RequestLimits limits{.authenticated = (data[0] & 1) != 0, .max_requests = 4};
  HEARTH_ASSERT(Parse(input, nullptr, limits) == Parse(input, &prng, limits));
  ParseReplies(input, prng);
  return 0;
}
