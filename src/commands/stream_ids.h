// Stream ids in commands: reading them in their several forms, and writing them. Engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ds/stream_id.h"
#include "engine/context.h"

namespace hearth::commands {

using ds::StreamId;

inline constexpr std::string_view kInvalidStreamId =
    "ERR Invalid stream ID specified as stream command argument";

// An id as text, "<ms>-<seq>", where it is needed.
class StreamIdText {
 public:
  explicit StreamIdText(StreamId id);
  operator std::string_view() const { return {bytes_, size_}; }

 private:
  char bytes_[44];
  size_t size_;
};

void ReplyStreamId(resp::Writer& reply, StreamId id);

// "<ms>-<seq>", or "<ms>" with `missing_seq`. Nothing if it is no id.
std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t missing_seq);

// XADD's id: complete, or with a part to be filled in.
struct NewStreamId {
  enum class Kind : uint8_t { kGiven, kAutoSeq, kAuto } kind = Kind::kGiven;
  StreamId id;
};
// "*", "<ms>-*" or an id.
std::optional<NewStreamId> ParseNewStreamId(std::string_view text);

// Argument i in that form; replies the error if it is not.
std::optional<StreamId> StreamIdArgument(engine::Context& ctx, size_t i, uint64_t missing_seq = 0);
// The same with "-" and "+" for the least and the greatest id.
std::optional<StreamId> StreamBoundArgument(engine::Context& ctx, size_t i, uint64_t missing_seq = 0);
// The first (last) id of an interval that argument i begins (ends): a bound, or "(<id>" for what lies behind
// (before) the id. Replies the error if there is none.
std::optional<StreamId> IntervalStart(engine::Context& ctx, size_t i);
std::optional<StreamId> IntervalEnd(engine::Context& ctx, size_t i);

}  // namespace hearth::commands
