// XREAD and XREADGROUP: entries behind an id from several streams, waiting for some if there are none.
#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/streams.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::ConsumerGroup;
using keyspace::Stream;
using keyspace::StreamOf;
using keyspace::StreamValue;

// XREADGROUP's ">": what the group has not delivered yet.
constexpr StreamId kUndelivered = StreamId::Max();

struct ReadOptions {
  std::optional<int64_t> block_ms;
  uint64_t count = 0;  // 0 for all
  bool is_group = false;
  bool no_ack = false;
  std::string_view group;
  std::string_view consumer;
  size_t first_key = 0;
  size_t stream_count = 0;
  std::vector<StreamId> after;  // for each stream
};

// ---- options

bool ParseStreams(Context& ctx, size_t i, ReadOptions& options) {
  const size_t left = ctx.size() - i - 1;
  if (left % 2 == 1) {
    ctx.Error(
        fmt::format("ERR Unbalanced {} list of streams: for each stream key an ID or '$' must be specified.",
                    options.is_group ? "XREADGROUP" : "XREAD"));
    return false;
  }
  options.first_key = i + 1;
  options.stream_count = left / 2;
  return true;
}

bool ParseBlock(Context& ctx, size_t i, ReadOptions& options) {
  options.block_ms = ctx.Integer(i, "ERR timeout is not an integer or out of range");
  if (!options.block_ms) return false;
  if (*options.block_ms >= 0 && *options.block_ms <= INT64_MAX - ctx.now_ms()) return true;
  ctx.Error(*options.block_ms < 0 ? "ERR timeout is negative" : "ERR timeout is out of range");
  return false;
}

// Only XREADGROUP has the option.
bool CheckGroupOption(Context& ctx, const ReadOptions& options, std::string_view name) {
  if (options.is_group) return true;
  ctx.Error(
      fmt::format("ERR The {} option is only supported by XREADGROUP. You called XREAD instead.", name));
  return false;
}

bool ParseReadOptions(Context& ctx, ReadOptions& options) {
  for (size_t i = 1; i < ctx.size(); ++i) {
    const size_t more = ctx.size() - i - 1;
    if (ctx.Is(i, "block") && more > 0) {
      if (!ParseBlock(ctx, ++i, options)) return false;
    } else if (ctx.Is(i, "count") && more > 0) {
      const auto count = ctx.Integer(++i);
      if (!count) return false;
      options.count = *count < 0 ? 0 : static_cast<uint64_t>(*count);
    } else if (ctx.Is(i, "streams") && more > 0) {
      if (!ParseStreams(ctx, i, options)) return false;
      break;
    } else if (ctx.Is(i, "group") && more >= 2) {
      if (!CheckGroupOption(ctx, options, "GROUP")) return false;
      options.group = ctx[i + 1];
      options.consumer = ctx[i + 2];
      i += 2;
    } else if (ctx.Is(i, "noack")) {
      if (!CheckGroupOption(ctx, options, "NOACK")) return false;
      options.no_ack = true;
    } else {
      ctx.SyntaxError();
      return false;
    }
  }
  if (options.stream_count == 0) {
    ctx.SyntaxError();
    return false;
  }
  // A group may have the empty name, but not no name.
  if (options.is_group && options.group.data() == nullptr) {
    ctx.Error("ERR Missing GROUP option for XREADGROUP");
    return false;
  }
  return true;
}

// ---- ids

// The last entry's id, or zero.
StreamId LastEntry(const Stream& stream) {
  ds::StreamRange last(stream.log, StreamId::Min(), StreamId::Max(), true);
  return last.Next() ? last.id() : StreamId{};
}

void MeaninglessId(Context& ctx, char symbol) {
  ctx.Error(fmt::format(
      "ERR The {} ID is meaningless in the context of XREADGROUP: you want to read the history of "
      "this consumer by specifying a proper ID, or use the > ID to get new messages. The {} ID would "
      "just return an empty result set.",
      symbol, symbol));
}

// Stream number `n`'s id argument. "$" and "+" speak of the stream as it was when the command came.
std::optional<StreamId> ParseAfter(Context& ctx, const ReadOptions& options, size_t n, const Entry* entry) {
  const size_t i = options.first_key + options.stream_count + n;
  const std::string_view text = ctx[i];
  if (text == ">") {
    if (options.is_group) return kUndelivered;
    ctx.Error(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> "
        "option.");
    return std::nullopt;
  }
  if (text != "$" && text != "+") return StreamIdArgument(ctx, i);
  if (options.is_group) {
    MeaninglessId(ctx, text[0]);
    return std::nullopt;
  }
  if (ctx.is_retry()) return ParseStreamId(ctx.client().blocked->resolved_args[n], 0);
  if (entry == nullptr) return StreamId{};
  const Stream& stream = StreamOf(*entry);
  return text == "$" || stream.log.length() == 0 ? stream.log.last_id() : LastEntry(stream).Previous();
}

bool ParseIds(Context& ctx, ReadOptions& options) {
  for (size_t n = 0; n < options.stream_count; ++n) {
    const Key key = ctx.key(options.first_key + n);
    const Entry* entry = ctx.FindForRead(key);
    if (!ctx.CheckType(entry, Type::kStream)) return false;
    if (options.is_group && (entry == nullptr || StreamOf(*entry).FindGroup(options.group) == nullptr)) {
      NoSuchGroup(ctx, key.text, options.group, " in XREADGROUP with GROUP option");
      return false;
    }
    const auto after = ParseAfter(ctx, options, n, entry);
    if (!after) return false;
    options.after.push_back(*after);
  }
  return true;
}

// ---- the reply

// The outer reply: pairs of a key and its entries, of which only streams that have something are part.
class StreamsReply {
 public:
  explicit StreamsReply(resp::Writer& writer) : writer_(writer) {}

  void Begin(std::string_view key) {
    if (count_++ == 0) deferred_ = writer_.protocol() == 2 ? writer_.DeferArray() : writer_.DeferMap();
    if (writer_.protocol() == 2) writer_.Array(2);
    writer_.Bulk(key);
  }
  // False if nothing has been replied.
  bool Finish() {
    if (count_ > 0) writer_.Finish(*deferred_, count_);
    return count_ > 0;
  }

 private:
  resp::Writer& writer_;
  std::optional<resp::Writer::DeferredLength> deferred_;
  size_t count_ = 0;
};

bool MayTakeMore(uint64_t count, size_t taken) { return count == 0 || taken < count; }

void ReadPlain(Context& ctx, const ReadOptions& options, size_t n, StreamsReply& streams) {
  const Key key = ctx.key(options.first_key + n);
  const Entry* entry = ctx.Peek(key);
  const StreamId after = options.after[n];
  if (entry == nullptr || after == StreamId::Max()) return;
  const Stream& stream = StreamOf(*entry);
  if (stream.log.length() == 0 || stream.log.last_id() <= after) return;
  ds::StreamRange range(stream.log, after.Next(), StreamId::Max());
  if (!range.Next()) return;
  streams.Begin(key.text);
  resp::Writer& reply = ctx.reply();
  const auto deferred = reply.DeferArray();
  size_t taken = 0;
  do {
    ReplyStreamEntry(reply, range);
    ++taken;
  } while (MayTakeMore(options.count, taken) && range.Next());
  reply.Finish(deferred, taken);
}

// One stream of an XREADGROUP.
class GroupRead {
 public:
  GroupRead(Context& ctx, const ReadOptions& options, size_t n)
      : ctx_(ctx),
        options_(options),
        after_(options.after[n]),
        key_(ctx.key(options.first_key + n)),
        handle_(ctx.FindForWrite(key_)),
        stream_(handle_),
        group_(*stream_.FindGroup(options.group)),
        consumer_(
            FindOrCreateConsumer(ctx, stream_, group_, key_.text, options.consumer, &is_new_consumer_)) {
    stream_.MarkSeen(consumer_, ctx.now_ms());
  }

  void Run(StreamsReply& streams) {
    bool has_claimed = false;
    if (after_ != kUndelivered) {
      streams.Begin(key_.text);
      ReadHistory();
    } else if (stream_->log.length() > 0 && LastEntry(*stream_) > group_.last_id) {
      streams.Begin(key_.text);
      has_claimed = ReadNew();
    }
    // A claim makes the consumer elsewhere too.
    if (is_new_consumer_ && !has_claimed) {
      ctx_.effects().Replace({"XGROUP", "CREATECONSUMER", key_.text, group_.name, consumer_.name});
    }
  }

 private:
  // What the consumer got already and has not acknowledged; entries that are gone have no fields.
  void ReadHistory() {
    resp::Writer& reply = ctx_.reply();
    const auto deferred = reply.DeferArray();
    size_t taken = 0;
    auto at = consumer_.pending.LowerBound(after_.Next());
    for (; at && MayTakeMore(options_.count, taken); at = consumer_.pending.Next(at)) {
      const StreamId id = consumer_.pending.IdAt(at);
      if (ReplyStreamEntry(reply, stream_->log, id)) {
        stream_.Redeliver(group_, id, consumer_.pending.ValueAt(at), ctx_.now_ms());
      } else {
        reply.Array(2);
        ReplyStreamId(reply, id);
        reply.NullArray();
      }
      ++taken;
    }
    reply.Finish(deferred, taken);
  }

  // True if entries became pending.
  bool ReadNew() {
    resp::Writer& reply = ctx_.reply();
    const auto deferred = reply.DeferArray();
    size_t taken = 0;
    ds::StreamRange range(stream_->log, group_.last_id.Next(), StreamId::Max());
    while (MayTakeMore(options_.count, taken) && range.Next()) {
      ReplyStreamEntry(reply, range);
      stream_.Advance(group_, range.id());
      if (!options_.no_ack) {
        const auto& pending = stream_.Deliver(group_, consumer_, range.id(), ctx_.now_ms());
        AddClaimEffect(ctx_, key_.text, group_, consumer_.name, range.id(), pending);
      }
      ++taken;
    }
    reply.Finish(deferred, taken);
    stream_.MarkActive(consumer_, ctx_.now_ms());
    if (options_.no_ack) AddGroupIdEffect(ctx_, key_.text, group_);
    return !options_.no_ack;
  }

  Context& ctx_;
  const ReadOptions& options_;
  const StreamId after_;
  const Key key_;
  WriteHandle handle_;
  StreamValue stream_;
  ConsumerGroup& group_;
  bool is_new_consumer_ = false;
  keyspace::Consumer& consumer_;
};

void WaitForEntries(Context& ctx, const ReadOptions& options) {
  if (!options.block_ms || !ctx.may_block()) return ctx.reply().NullArray();
  const auto keys = ctx.args().subspan(options.first_key, options.stream_count);
  engine::BlockRequest request{.keys = {keys.begin(), keys.end()}, .type = Type::kStream};
  if (*options.block_ms > 0) request.deadline_ms = ctx.now_ms() + *options.block_ms;
  request.wakes_on_removal = options.is_group;
  if (!options.is_group && !ctx.is_retry()) {
    for (const StreamId id : options.after) request.resolved_args.emplace_back(StreamIdText(id));
  }
  ctx.Block(std::move(request));
}

void Read(Context& ctx, bool is_group) {
  ReadOptions options;
  options.is_group = is_group;
  if (!ParseReadOptions(ctx, options) || !ParseIds(ctx, options)) return;
  // The effects say all that a group read did.
  ctx.effects().Suppress();
  StreamsReply streams(ctx.reply());
  for (size_t n = 0; n < options.stream_count; ++n) {
    if (is_group) {
      GroupRead(ctx, options, n).Run(streams);
    } else {
      ReadPlain(ctx, options, n, streams);
    }
  }
  if (!streams.Finish()) WaitForEntries(ctx, options);
}

void XRead(Context& ctx) { Read(ctx, false); }
void XReadGroup(Context& ctx) { Read(ctx, true); }

}  // namespace

void RegisterStreamReads(engine::CommandTable& table) {
  table.Bind("xread", engine::MakeHandler<&XRead>());
  table.Bind("xreadgroup", engine::MakeHandler<&XReadGroup>());
}

}  // namespace hearth::commands
