#include "resp/reply_parser.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::resp {
namespace {

using Kind = Reply::Kind;

Reply MakeText(Kind kind, std::string_view text) {
  Reply reply;
  reply.kind = kind;
  reply.text = text;
  return reply;
}

Kind AggregateKind(char type) {
  switch (type) {
    case '%':
      return Kind::kMap;
    case '~':
      return Kind::kSet;
    case '>':
      return Kind::kPush;
    default:
      return Kind::kArray;
  }
}

}  // namespace

Status ReplyParser::Broken(std::string message) {
  broken_ = "reply protocol error: " + std::move(message);
  return Fail(broken_);
}

Result<bool> ReplyParser::Feed(std::string_view& input) {
  if (!broken_.empty()) return Fail(broken_);
  while (!complete_) {
    if (input.empty()) return false;
    if (in_bulk_) {
      HEARTH_TRY(TakeBulk(input));
      continue;
    }
    const auto has_line = TakeLine(input);
    if (!has_line) return std::unexpected(has_line.error());
    if (!*has_line) continue;
    const std::string line = std::move(line_);
    line_.clear();
    HEARTH_TRY(StartValue(line));
  }
  return true;
}

Reply ReplyParser::TakeReply() {
  HEARTH_ASSERT(complete_);
  complete_ = false;
  element_count_ = 0;
  return std::move(result_);
}

// Moves bytes into line_. True when it is a whole line, then without its CR LF.
Result<bool> ReplyParser::TakeLine(std::string_view& input) {
  const size_t end = input.find('\n');
  const size_t take = end == std::string_view::npos ? input.size() : end + 1;
  if (line_.size() + take > limits_.max_line_bytes) {
    return std::unexpected(
        Broken("line is longer than " + std::to_string(limits_.max_line_bytes) + " bytes").error());
  }
  line_.append(input.substr(0, take));
  input.remove_prefix(take);
  if (end == std::string_view::npos) return false;
  // A primary that prepares a full synchronization keeps the link alive with bare newlines between replies.
  if (line_ == "\n" && levels_.empty()) {
    line_.clear();
    return false;
  }
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    return std::unexpected(Broken("line does not end in CR LF").error());
  }
  line_.resize(line_.size() - 2);
  return true;
}

Status ReplyParser::StartValue(std::string_view line) {
  if (line.empty()) return Broken("empty line where a type is expected");
  if (++element_count_ > limits_.max_elements) return Broken("too many elements");
  const char type = line[0];
  const std::string_view rest = line.substr(1);
  switch (type) {
    case '+':
      return FinishValue(MakeText(Kind::kSimple, rest));
    case '-':
      return FinishValue(MakeText(Kind::kError, rest));
    case '(':
      return FinishValue(MakeText(Kind::kBigNumber, rest));
    case '_':
      return FinishValue(Reply{});
    case ':': {
      const auto value = ParseInt64(rest);
      if (!value) return Broken("not an integer");
      Reply reply;
      reply.kind = Kind::kInteger;
      reply.integer = *value;
      return FinishValue(std::move(reply));
    }
    case '#': {
      if (rest != "t" && rest != "f") return Broken("not a boolean");
      Reply reply;
      reply.kind = Kind::kBoolean;
      reply.integer = rest == "t" ? 1 : 0;
      return FinishValue(std::move(reply));
    }
    case ',': {
      Reply reply = MakeText(Kind::kDouble, rest);
      const auto value = ParseDouble(rest);
      if (!value && rest != "nan" && rest != "-nan") return Broken("not a double");
      reply.number = value.value_or(std::numeric_limits<double>::quiet_NaN());
      return FinishValue(std::move(reply));
    }
    case '$':
    case '=':
    case '!':
      return StartBulk(type, rest);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
      return StartAggregate(type, rest);
    default:
      return Broken("unknown type byte");
  }
}

Status ReplyParser::StartBulk(char kind, std::string_view length_text) {
  const auto length = ParseInt64(length_text);
  if (length && *length == -1 && kind == '$') return FinishValue(Reply{});
  if (!length || *length < 0 || static_cast<uint64_t>(*length) > limits_.max_bulk_bytes) {
    return Broken("bad bulk length");
  }
  bulk_ = Reply{};
  bulk_.kind = kind == '$' ? Kind::kBulk : kind == '=' ? Kind::kVerbatim : Kind::kError;
  bulk_left_ = static_cast<size_t>(*length) + 2;
  in_bulk_ = true;
  return {};
}

Status ReplyParser::TakeBulk(std::string_view& input) {
  const size_t take = std::min(bulk_left_, input.size());
  bulk_.text.append(input.substr(0, take));
  input.remove_prefix(take);
  bulk_left_ -= take;
  if (bulk_left_ > 0) return {};
  if (!bulk_.text.ends_with("\r\n")) return Broken("bulk string does not end in CR LF");
  bulk_.text.resize(bulk_.text.size() - 2);
  in_bulk_ = false;
  if (bulk_.kind == Kind::kVerbatim) {
    if (bulk_.text.size() < 4 || bulk_.text[3] != ':') return Broken("verbatim string without a format");
    bulk_.text.erase(0, 4);
  }
  return FinishValue(std::move(bulk_));
}

Status ReplyParser::StartAggregate(char kind, std::string_view length_text) {
  const auto length = ParseInt64(length_text);
  if (length && *length == -1 && kind == '*') return FinishValue(Reply{});
  if (!length || *length < 0 || static_cast<uint64_t>(*length) > limits_.max_elements) {
    return Broken("bad aggregate length");
  }
  if (levels_.size() >= limits_.max_depth) return Broken("nested too deeply");
  Reply reply;
  reply.kind = AggregateKind(kind);
  const bool is_attribute = kind == '|';
  const size_t left = static_cast<size_t>(*length) * (kind == '%' || is_attribute ? 2 : 1);
  if (left == 0) return is_attribute ? Status() : FinishValue(std::move(reply));
  levels_.push_back({std::move(reply), left, is_attribute});
  return {};
}

// Puts a value where it belongs; that may complete the aggregates around it. Attributes are dropped.
Status ReplyParser::FinishValue(Reply reply) {
  for (;;) {
    if (levels_.empty()) {
      result_ = std::move(reply);
      complete_ = true;
      return {};
    }
    Level& level = levels_.back();
    if (!level.is_attribute) level.reply.elements.push_back(std::move(reply));
    if (--level.left > 0) return {};
    const bool is_attribute = level.is_attribute;
    reply = std::move(level.reply);
    levels_.pop_back();
    if (is_attribute) return {};
  }
}

}  // namespace hearth::resp
