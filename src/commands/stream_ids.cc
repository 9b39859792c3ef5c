#include "commands/stream_ids.h"

#include <charconv>

namespace hearth::commands {
namespace {

// Decimal digits, which may have zeros, a plus or spaces in front, as ids always could.
std::optional<uint64_t> ParsePart(std::string_view text) {
  size_t from = 0;
  while (from < text.size() && (text[from] == ' ' || (text[from] >= '\t' && text[from] <= '\r'))) ++from;
  if (from < text.size() && text[from] == '+') ++from;
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + from, end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

// Nothing of an id counts from a zero byte on, as ever; but it may not be too long.
std::string_view Readable(std::string_view text) {
  constexpr size_t kLongest = 127;
  return text.size() > kLongest ? std::string_view() : text.substr(0, text.find('\0'));
}

std::optional<StreamId> Bound(std::string_view text, uint64_t missing_seq) {
  text = Readable(text);
  if (text == "-") return StreamId::Min();
  if (text == "+") return StreamId::Max();
  return ParseStreamId(text, missing_seq);
}

std::optional<StreamId> IntervalBound(engine::Context& ctx, size_t i, uint64_t missing_seq,
                                      bool& is_exclusive) {
  const std::string_view text = ctx[i];
  is_exclusive = text.size() > 1 && text[0] == '(';
  const auto id = is_exclusive ? ParseStreamId(text.substr(1), missing_seq) : Bound(text, missing_seq);
  if (!id) ctx.Error(kInvalidStreamId);
  return id;
}

}  // namespace

StreamIdText::StreamIdText(StreamId id) {
  char* at = std::to_chars(bytes_, bytes_ + sizeof(bytes_), id.ms).ptr;
  *at++ = '-';
  at = std::to_chars(at, bytes_ + sizeof(bytes_), id.seq).ptr;
  size_ = static_cast<size_t>(at - bytes_);
}

void ReplyStreamId(resp::Writer& reply, StreamId id) { reply.Bulk(StreamIdText(id)); }

std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t missing_seq) {
  text = Readable(text);
  const size_t dash = text.find('-');
  const auto ms = ParsePart(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == std::string_view::npos) return StreamId{*ms, missing_seq};
  const auto seq = ParsePart(text.substr(dash + 1));
  if (!seq) return std::nullopt;
  return StreamId{*ms, *seq};
}

std::optional<NewStreamId> ParseNewStreamId(std::string_view text) {
  text = Readable(text);
  if (text == "*") return NewStreamId{NewStreamId::Kind::kAuto, {}};
  const bool is_auto_seq = text.size() > 2 && text.ends_with("-*");
  if (is_auto_seq) {
    text.remove_suffix(2);
    if (text.find('-') != std::string_view::npos) return std::nullopt;
  }
  const auto id = ParseStreamId(text, 0);
  if (!id) return std::nullopt;
  return NewStreamId{is_auto_seq ? NewStreamId::Kind::kAutoSeq : NewStreamId::Kind::kGiven, *id};
}

std::optional<StreamId> StreamIdArgument(engine::Context& ctx, size_t i, uint64_t missing_seq) {
  const auto id = ParseStreamId(ctx[i], missing_seq);
  if (!id) ctx.Error(kInvalidStreamId);
  return id;
}

std::optional<StreamId> StreamBoundArgument(engine::Context& ctx, size_t i, uint64_t missing_seq) {
  const auto id = Bound(ctx[i], missing_seq);
  if (!id) ctx.Error(kInvalidStreamId);
  return id;
}

std::optional<StreamId> IntervalStart(engine::Context& ctx, size_t i) {
  bool is_exclusive = false;
  const auto id = IntervalBound(ctx, i, 0, is_exclusive);
  if (!id || !is_exclusive) return id;
  if (*id == StreamId::Max()) {
    ctx.Error("ERR invalid start ID for the interval");
    return std::nullopt;
  }
  return id->Next();
}

std::optional<StreamId> IntervalEnd(engine::Context& ctx, size_t i) {
  bool is_exclusive = false;
  const auto id = IntervalBound(ctx, i, UINT64_MAX, is_exclusive);
  if (!id || !is_exclusive) return id;
  if (*id == StreamId::Min()) {
    ctx.Error("ERR invalid end ID for the interval");
    return std::nullopt;
  }
  return id->Previous();
}

}  // namespace hearth::commands
