// Entries that were delivered and not acknowledged: listing them, and giving them to other consumers.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/streams.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Consumer;
using keyspace::ConsumerGroup;
using keyspace::PendingEntry;
using keyspace::StreamOf;
using keyspace::StreamValue;

// ---- XPENDING

void PendingSummary(Context& ctx, const ConsumerGroup& group) {
  resp::Writer& reply = ctx.reply();
  reply.Array(4);
  reply.Integer(static_cast<int64_t>(group.pending.size()));
  if (group.pending.empty()) {
    reply.Null();
    reply.Null();
    reply.NullArray();
    return;
  }
  ReplyStreamId(reply, group.pending.IdAt(group.pending.First()));
  ReplyStreamId(reply, group.pending.IdAt(group.pending.Last()));
  const auto deferred = reply.DeferArray();
  size_t count = 0;
  for (const auto& [name, consumer] : group.consumers) {
    if (consumer->pending.empty()) continue;
    reply.Array(2);
    reply.Bulk(name);
    reply.BulkInteger(static_cast<int64_t>(consumer->pending.size()));
    ++count;
  }
  reply.Finish(deferred, count);
}

struct PendingQuery {
  StreamId start;
  StreamId end;
  int64_t count = 0;
  int64_t min_idle_ms = 0;
  std::optional<std::string_view> consumer;
};

std::optional<PendingQuery> ParsePendingQuery(Context& ctx) {
  PendingQuery query;
  size_t i = 3;
  if (ctx.size() < 6 || ctx.size() > 9) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  if (ctx.Is(3, "idle")) {
    const auto idle = ctx.Integer(4);
    if (!idle) return std::nullopt;
    query.min_idle_ms = *idle;
    if (ctx.size() < 8) {
      ctx.SyntaxError();
      return std::nullopt;
    }
    i = 5;
  }
  const auto count = ctx.Integer(i + 2);
  if (!count) return std::nullopt;
  query.count = *count;
  const auto start = IntervalStart(ctx, i);
  if (!start) return std::nullopt;
  const auto end = IntervalEnd(ctx, i + 1);
  if (!end) return std::nullopt;
  query.start = *start;
  query.end = *end;
  if (i + 3 < ctx.size()) query.consumer = ctx[i + 3];
  return query;
}

void PendingList(Context& ctx, const ConsumerGroup& group, const PendingQuery& query) {
  resp::Writer& reply = ctx.reply();
  const ds::IdMap<PendingEntry>* pending = &group.pending;
  if (query.consumer) {
    const Consumer* consumer = group.FindConsumer(*query.consumer);
    if (consumer == nullptr) return reply.Array(0);
    pending = &consumer->pending;
  }
  const auto deferred = reply.DeferArray();
  int64_t taken = 0;
  for (auto at = pending->LowerBound(query.start);
       at && taken < query.count && pending->IdAt(at) <= query.end; at = pending->Next(at)) {
    const PendingEntry& entry = pending->ValueAt(at);
    const int64_t idle_ms = ctx.now_ms() - entry.delivered_ms;
    if (query.min_idle_ms > 0 && idle_ms < query.min_idle_ms) continue;
    reply.Array(4);
    ReplyStreamId(reply, pending->IdAt(at));
    reply.Bulk(entry.consumer->name);
    reply.Integer(std::max<int64_t>(idle_ms, 0));
    reply.Integer(static_cast<int64_t>(entry.delivery_count));
    ++taken;
  }
  reply.Finish(deferred, static_cast<size_t>(taken));
}

void XPending(Context& ctx) {
  std::optional<PendingQuery> query;
  if (ctx.size() != 3) {
    query = ParsePendingQuery(ctx);
    if (!query) return;
  }
  const Key key = ctx.key(1);
  const Entry* entry = ctx.FindForRead(key);
  if (!ctx.CheckType(entry, Type::kStream)) return;
  const ConsumerGroup* group = entry == nullptr ? nullptr : StreamOf(*entry).FindGroup(ctx[2]);
  if (group == nullptr) return NoSuchGroup(ctx, key.text, ctx[2]);
  if (query) {
    PendingList(ctx, *group, *query);
  } else {
    PendingSummary(ctx, *group);
  }
}

// ---- XCLAIM and XAUTOCLAIM

// What both do with one pending entry after the other.
class Claims {
 public:
  Claims(Context& ctx, WriteHandle& handle, ConsumerGroup& group, bool ids_only)
      : ctx_(ctx),
        stream_(handle),
        group_(group),
        key_(handle.key().text),
        consumer_(FindOrCreateConsumer(ctx, stream_, group, key_, ctx[3], &is_new_consumer_)),
        ids_only_(ids_only) {
    stream_.MarkSeen(consumer_, ctx.now_ms());
    ctx.effects().Suppress();
  }

  StreamValue& stream() { return stream_; }
  Consumer& consumer() { return consumer_; }
  size_t count() const { return count_; }

  bool Exists(StreamId id) const { return stream_->log.Contains(id); }

  // A pending entry whose stream entry is gone can be claimed by nobody.
  void Drop(StreamId id, const PendingEntry& entry) {
    // The same claim elsewhere finds the entry gone too, and drops it.
    AddClaimEffect(ctx_, key_, group_, entry.consumer->name, id, entry);
    stream_.Acknowledge(group_, id);
  }

  void Take(StreamId id, int64_t delivered_ms, uint64_t delivery_count) {
    const PendingEntry& entry = stream_.Claim(group_, consumer_, id, delivered_ms, delivery_count);
    if (ids_only_) {
      ReplyStreamId(ctx_.reply(), id);
    } else {
      ReplyStreamEntry(ctx_.reply(), stream_->log, id);
    }
    ++count_;
    stream_.MarkActive(consumer_, ctx_.now_ms());
    AddClaimEffect(ctx_, key_, group_, consumer_.name, id, entry);
  }

  // The deliveries to record when a claim says nothing about them: asking for ids alone is no delivery.
  uint64_t NextCount(const PendingEntry& entry) const { return entry.delivery_count + (ids_only_ ? 0 : 1); }

  void Finish() {
    if (is_new_consumer_ && count_ == 0) {
      ctx_.effects().Replace({"XGROUP", "CREATECONSUMER", key_, group_.name, consumer_.name});
    }
  }

 private:
  Context& ctx_;
  StreamValue stream_;
  ConsumerGroup& group_;
  std::string_view key_;
  bool is_new_consumer_ = false;
  Consumer& consumer_;
  const bool ids_only_;
  size_t count_ = 0;
};

// The group of an XCLAIM or XAUTOCLAIM; null, and an error replied, if it is not there. Sets `handle`.
ConsumerGroup* FindGroup(Context& ctx, WriteHandle& handle) {
  const Key key = ctx.key(1);
  handle = ctx.FindForWrite(key);
  if (handle && !ctx.CheckType(&*handle, Type::kStream)) return nullptr;
  ConsumerGroup* group = handle ? StreamValue(handle).FindGroup(ctx[2]) : nullptr;
  if (group == nullptr) NoSuchGroup(ctx, key.text, ctx[2]);
  return group;
}

struct ClaimOptions {
  int64_t min_idle_ms = 0;
  std::vector<StreamId> ids;
  int64_t delivered_ms = 0;
  std::optional<uint64_t> delivery_count;
  bool is_forced = false;
  bool ids_only = false;
  StreamId last_id;
};

bool ParseClaimOption(Context& ctx, size_t& i, ClaimOptions& options) {
  const bool has_more = i + 1 < ctx.size();
  if (ctx.Is(i, "force")) {
    options.is_forced = true;
  } else if (ctx.Is(i, "justid")) {
    options.ids_only = true;
  } else if (ctx.Is(i, "idle") && has_more) {
    const auto idle = ctx.Integer(++i, "ERR Invalid IDLE option argument for XCLAIM");
    if (!idle) return false;
    options.delivered_ms =
        static_cast<int64_t>(static_cast<uint64_t>(ctx.now_ms()) - static_cast<uint64_t>(*idle));
  } else if (ctx.Is(i, "time") && has_more) {
    const auto time = ctx.Integer(++i, "ERR Invalid TIME option argument for XCLAIM");
    if (!time) return false;
    options.delivered_ms = *time;
  } else if (ctx.Is(i, "retrycount") && has_more) {
    const auto count = ctx.Integer(++i, "ERR Invalid RETRYCOUNT option argument for XCLAIM");
    if (!count) return false;
    options.delivery_count = *count < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(*count));
  } else if (ctx.Is(i, "lastid") && has_more) {
    const auto id = StreamIdArgument(ctx, ++i);
    if (!id) return false;
    options.last_id = *id;
  } else {
    ctx.Error(fmt::format("ERR Unrecognized XCLAIM option '{}'", ShownName(ctx[i])));
    return false;
  }
  return true;
}

std::optional<ClaimOptions> ParseClaim(Context& ctx) {
  ClaimOptions options;
  const auto min_idle = ctx.Integer(4, "ERR Invalid min-idle-time argument for XCLAIM");
  if (!min_idle) return std::nullopt;
  options.min_idle_ms = *min_idle;
  options.delivered_ms = ctx.now_ms();
  size_t i = 5;
  for (; i < ctx.size(); ++i) {
    const auto id = ParseStreamId(ctx[i], 0);
    if (!id) break;
    options.ids.push_back(*id);
  }
  for (; i < ctx.size(); ++i) {
    if (!ParseClaimOption(ctx, i, options)) return std::nullopt;
  }
  // Times that cannot be become now.
  if (options.delivered_ms < 0 || options.delivered_ms > ctx.now_ms()) options.delivered_ms = ctx.now_ms();
  return options;
}

void ClaimOne(Context& ctx, Claims& claims, ConsumerGroup& group, const ClaimOptions& options, StreamId id) {
  PendingEntry* entry = group.pending.Get(id);
  if (!claims.Exists(id)) {
    if (entry != nullptr) claims.Drop(id, *entry);
    return;
  }
  if (entry == nullptr) {
    if (!options.is_forced) return;
    // As if it had been delivered before, to be claimed now.
    entry = &claims.stream().Deliver(group, claims.consumer(), id, options.delivered_ms);
  } else if (options.min_idle_ms > 0 && ctx.now_ms() - entry->delivered_ms < options.min_idle_ms) {
    return;
  }
  claims.Take(id, options.delivered_ms, options.delivery_count.value_or(claims.NextCount(*entry)));
}

void XClaim(Context& ctx) {
  WriteHandle handle;
  ConsumerGroup* group = FindGroup(ctx, handle);
  if (group == nullptr) return;
  const auto options = ParseClaim(ctx);
  if (!options) return;
  Claims claims(ctx, handle, *group, options->ids_only);
  const bool moves_group = options->last_id > group->last_id;
  if (moves_group) claims.stream().SetGroupId(*group, options->last_id, group->entries_read);
  const auto deferred = ctx.reply().DeferArray();
  for (const StreamId id : options->ids) ClaimOne(ctx, claims, *group, *options, id);
  ctx.reply().Finish(deferred, claims.count());
  claims.Finish();
  // Claims carry the group's last id with them.
  if (moves_group && claims.count() == 0) AddGroupIdEffect(ctx, handle.key().text, *group);
}

struct AutoClaimOptions {
  int64_t min_idle_ms = 0;
  StreamId start;
  int64_t count = 100;
  bool ids_only = false;
};

std::optional<AutoClaimOptions> ParseAutoClaim(Context& ctx) {
  AutoClaimOptions options;
  const auto min_idle = ctx.Integer(4, "ERR Invalid min-idle-time argument for XAUTOCLAIM");
  if (!min_idle) return std::nullopt;
  options.min_idle_ms = *min_idle;
  const auto start = IntervalStart(ctx, 5);
  if (!start) return std::nullopt;
  options.start = *start;
  for (size_t i = 6; i < ctx.size(); ++i) {
    if (ctx.Is(i, "count") && i + 1 < ctx.size()) {
      // More ids than memory can hold are no count.
      const auto count =
          ctx.IntegerIn(++i, 1, INT64_MAX / static_cast<int64_t>(sizeof(StreamId)), "ERR COUNT must be > 0");
      if (!count) return std::nullopt;
      options.count = *count;
    } else if (ctx.Is(i, "justid")) {
      options.ids_only = true;
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

void XAutoClaim(Context& ctx) {
  const auto options = ParseAutoClaim(ctx);
  if (!options) return;
  WriteHandle handle;
  ConsumerGroup* group = FindGroup(ctx, handle);
  if (group == nullptr) return;
  Claims claims(ctx, handle, *group, options->ids_only);
  resp::Writer& reply = ctx.reply();
  reply.Array(3);
  // The first id not looked at is replied before what was found; entries that are too fresh count as
  // attempts.
  constexpr int64_t kAttemptsFactor = 10;
  std::vector<StreamId> candidates;
  std::vector<StreamId> gone;
  auto at = group->pending.LowerBound(options->start);
  int64_t attempts =
      options->count > INT64_MAX / kAttemptsFactor ? INT64_MAX : options->count * kAttemptsFactor;
  for (int64_t left = options->count; at && left > 0 && attempts > 0;
       at = group->pending.Next(at), --attempts) {
    const StreamId id = group->pending.IdAt(at);
    if (!claims.Exists(id)) {
      gone.push_back(id);
    } else if (options->min_idle_ms <= 0 ||
               ctx.now_ms() - group->pending.ValueAt(at).delivered_ms >= options->min_idle_ms) {
      candidates.push_back(id);
    } else {
      continue;
    }
    --left;
  }
  ReplyStreamId(reply, at ? group->pending.IdAt(at) : StreamId{});
  for (const StreamId id : gone) claims.Drop(id, *group->pending.Get(id));
  reply.Array(candidates.size());
  for (const StreamId id : candidates)
    claims.Take(id, ctx.now_ms(), claims.NextCount(*group->pending.Get(id)));
  reply.Array(gone.size());
  for (const StreamId id : gone) ReplyStreamId(reply, id);
  claims.Finish();
}

}  // namespace

void RegisterStreamClaims(engine::CommandTable& table) {
  table.Bind("xpending", engine::MakeHandler<&XPending>());
  table.Bind("xclaim", engine::MakeHandler<&XClaim>());
  table.Bind("xautoclaim", engine::MakeHandler<&XAutoClaim>());
}

}  // namespace hearth::commands
