#include "resp/request_parser.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"

namespace hearth::resp {
namespace {

constexpr std::string_view kTooBigInline = "Protocol error: too big inline request";
constexpr std::string_view kTooBigCount = "Protocol error: too big mbulk count string";
constexpr std::string_view kTooBigBulkCount = "Protocol error: too big bulk count string";
constexpr std::string_view kUnbalanced = "Protocol error: unbalanced quotes in request";
constexpr std::string_view kBadCount = "Protocol error: invalid multibulk length";
constexpr std::string_view kBadLength = "Protocol error: invalid bulk length";
constexpr std::string_view kUnauthenticatedCount = "Protocol error: unauthenticated multibulk length";
constexpr std::string_view kUnauthenticatedLength = "Protocol error: unauthenticated bulk length";
constexpr std::string_view kExpectedDollar = "Protocol error: expected '$', got '";

// A length of one or two digits with its line end, which nearly all are: its value, and its digits in
// `digits`. -1 if it is anything else or not all there.
inline int64_t ShortLength(const char* at, const char* end, size_t* digits) {
  if (end - at < 4) return -1;
  const unsigned first = static_cast<unsigned char>(at[0]) - unsigned{'0'};
  if (first > 9) return -1;
  if (at[1] == '\r') {
    *digits = 1;
    return first;
  }
  const unsigned second = static_cast<unsigned char>(at[1]) - unsigned{'0'};
  if (second > 9 || first == 0 || at[2] != '\r') return -1;
  *digits = 2;
  return first * 10 + second;
}

bool IsBreak(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool IsSpace(char c) { return IsBreak(c) || c == '\v' || c == '\f'; }

}  // namespace

RequestParser::Outcome RequestParser::Parse(char* data, size_t size, const RequestLimits& limits,
                                            ParsedRequests& out) {
  if (!error_.empty()) return Outcome::kError;
  HEARTH_ASSERT(position_ <= size);
  out.input = data;
  for (;;) {
    Step step = Step::kDone;
    if (args_left_ == 0) {
      if (position_ == size) return Outcome::kNeedMore;
      if (out.requests.size() >= limits.max_requests) return Outcome::kBatchFull;
      step = data[position_] == '*' ? ParseCount(data, size, limits, out) : ParseInline(data, size, out);
    }
    if (step == Step::kDone && args_left_ > 0) step = ParseBulks(data, size, limits, out);
    switch (step) {
      case Step::kDone:
        break;
      case Step::kNeedMore:
        return Outcome::kNeedMore;
      case Step::kBatchFull:
        return Outcome::kBatchFull;
      case Step::kError:
        return Outcome::kError;
    }
  }
}

// "*<count>\r\n". Counts of zero and below are requests without arguments, which are skipped in silence.
RequestParser::Step RequestParser::ParseCount(char* data, size_t size, const RequestLimits& limits,
                                              const ParsedRequests& out) {
  size_t digits = 0;
  int64_t count = ShortLength(data + position_ + 1, data + size, &digits);
  size_t after = position_ + 1 + digits + 2;
  if (count < 0) {
    std::string_view line;
    const Step step = ReadLine(data, size, '\r', kTooBigCount, &line);
    if (step != Step::kDone) return step;
    const auto parsed = ParseInt64(line.substr(1));
    if (!parsed || *parsed > static_cast<int64_t>(kMaxArguments)) return FailWith(kBadCount);
    count = *parsed;
    after = position_ + line.size() + 2;
  }
  if (!limits.authenticated && count > static_cast<int64_t>(kUnauthenticatedArguments)) {
    // A request before this one may be the AUTH that lifts the limit.
    return out.requests.empty() ? FailWith(kUnauthenticatedCount) : Step::kBatchFull;
  }
  position_ = after;
  if (count <= 0) {
    request_start_ = position_;
  } else {
    args_left_ = count;
  }
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseBulks(char* data, size_t size, const RequestLimits& limits,
                                              ParsedRequests& out) {
  while (args_left_ > 0) {
    if (bulk_length_ < 0) {
      const Step step = ParseBulkLength(data, size, limits, out);
      if (step != Step::kDone) return step;
    }
    const size_t length = static_cast<size_t>(bulk_length_);
    if (size - position_ < length + 2) return Step::kNeedMore;
    out.args.emplace_back(data + position_, length);
    position_ += length + 2;
    bulk_length_ = -1;
    --args_left_;
  }
  FinishRequest(out);
  return Step::kDone;
}

// "$<length>\r\n".
RequestParser::Step RequestParser::ParseBulkLength(char* data, size_t size, const RequestLimits& limits,
                                                   const ParsedRequests& out) {
  if (position_ == size) return Step::kNeedMore;
  if (data[position_] == '$') [[likely]] {
    size_t digits = 0;
    const int64_t length = ShortLength(data + position_ + 1, data + size, &digits);
    if (length >= 0) [[likely]] {
      position_ += 1 + digits + 2;
      bulk_length_ = length;
      return Step::kDone;
    }
  }
  std::string_view line;
  const Step step = ReadLine(data, size, '\r', kTooBigBulkCount, &line);
  if (step != Step::kDone) return step;
  if (line.empty() || line[0] != '$') {
    std::memcpy(got_text_, kExpectedDollar.data(), kExpectedDollar.size());
    got_text_[kExpectedDollar.size()] = data[position_];
    got_text_[kExpectedDollar.size() + 1] = '\'';
    return FailWith({got_text_, kExpectedDollar.size() + 2});
  }
  const auto length = ParseInt64(line.substr(1));
  if (!length || *length < 0 || static_cast<uint64_t>(*length) > limits.max_bulk_bytes) {
    return FailWith(kBadLength);
  }
  if (!limits.authenticated && *length > static_cast<int64_t>(kUnauthenticatedBulkBytes)) {
    return out.requests.empty() ? FailWith(kUnauthenticatedLength) : Step::kBatchFull;
  }
  position_ += line.size() + 2;
  bulk_length_ = *length;
  return Step::kDone;
}

// One line of words; an empty one is nothing.
RequestParser::Step RequestParser::ParseInline(char* data, size_t size, ParsedRequests& out) {
  std::string_view line;
  const Step step = ReadLine(data, size, '\n', kTooBigInline, &line);
  if (step != Step::kDone) return step;
  char* to = data + position_;
  position_ += line.size() + 1;
  if (line.find_first_of("\"'") == std::string_view::npos) {
    size_t at = 0;
    while (at < line.size()) {
      if (IsSpace(line[at])) {
        ++at;
        continue;
      }
      const size_t start = at;
      while (at < line.size() && !IsBreak(line[at])) ++at;
      out.args.push_back(line.substr(start, at - start));
    }
  } else {
    const auto words = SplitArguments(line);
    if (!words) return FailWith(kUnbalanced);
    // The words are never longer than what they were written as, so they fit into the line's own place.
    for (const std::string& word : *words) {
      if (!word.empty()) std::memcpy(to, word.data(), word.size());
      out.args.emplace_back(to, word.size());
      to += word.size();
    }
  }
  if (out.args.size() == first_arg_) {
    request_start_ = position_;
  } else {
    FinishRequest(out);
  }
  return Step::kDone;
}

// The line at position_ up to `last_byte`, which is left out; of a '\r' line end, the byte after it must be
// there. As in Redis, a zero byte hides what follows it: such a line never ends, and fails once it has become
// too long. Also as there, only a line whose end is still awaited is too long, so one that arrives as a whole
// may have any length: the one case in which it matters how the input is cut.
RequestParser::Step RequestParser::ReadLine(const char* data, size_t size, char last_byte,
                                            std::string_view too_big, std::string_view* line) {
  const size_t from = std::max(position_, scanned_);
  // The zero byte that stopped the last call stands where this one begins: nothing is looked at twice.
  const bool is_stuck = from < size && data[from] == '\0';
  const auto* found =
      is_stuck ? nullptr : static_cast<const char*>(std::memchr(data + from, last_byte, size - from));
  size_t end = found == nullptr ? size : static_cast<size_t>(found - data);
  if (const void* zero = std::memchr(data + from, '\0', end - from); zero != nullptr) {
    end = static_cast<size_t>(static_cast<const char*>(zero) - data);
    found = nullptr;
  }
  scanned_ = end;
  if (found == nullptr && size - position_ > kMaxInlineBytes) return FailWith(too_big);
  if (found == nullptr || (last_byte == '\r' && end + 1 == size)) return Step::kNeedMore;
  *line = {data + position_, end - position_};
  return Step::kDone;
}

RequestParser::Step RequestParser::FailWith(std::string_view text) {
  error_ = text;
  return Step::kError;
}

void RequestParser::FinishRequest(ParsedRequests& out) {
  Request request;
  request.first_arg = first_arg_;
  request.arg_count = static_cast<uint32_t>(out.args.size() - first_arg_);
  request.end = position_;
  out.requests.push_back(request);
  first_arg_ = static_cast<uint32_t>(out.args.size());
  request_start_ = position_;
}

void RequestParser::Discard(const char* old_data, const char* new_data, ParsedRequests& out) {
  const size_t removed = request_start_;
  out.requests.clear();
  out.args.erase(out.args.begin(), out.args.begin() + first_arg_);
  for (std::string_view& arg : out.args) {
    arg = {new_data +
               (reinterpret_cast<uintptr_t>(arg.data()) - reinterpret_cast<uintptr_t>(old_data) - removed),
           arg.size()};
  }
  first_arg_ = 0;
  request_start_ = 0;
  position_ -= removed;
  scanned_ -= std::min(scanned_, removed);
}

void RequestParser::Rebase(const char* old_data, const char* new_data, ParsedRequests& out) const {
  if (old_data == new_data) return;
  for (size_t i = first_arg_; i < out.args.size(); ++i) {
    const auto offset =
        reinterpret_cast<uintptr_t>(out.args[i].data()) - reinterpret_cast<uintptr_t>(old_data);
    out.args[i] = {new_data + offset, out.args[i].size()};
  }
}

}  // namespace hearth::resp
