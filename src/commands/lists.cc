// Lists: pushing, reading, searching and editing. Popping and moving are in list_pops.cc and list_moves.cc.
#include "commands/lists.h"

#include <algorithm>

#include "commands/element_reply.h"
#include "commands/register.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::ElementMatcher;
using keyspace::ListEnd;
using keyspace::ListReader;
using keyspace::ListValue;

void Push(Context& ctx, ListEnd end, bool must_exist) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kList)) return;
  } else {
    if (must_exist) return ctx.reply().Integer(0);
    handle = ListValue::Create(ctx.db(), key);
  }
  ListValue list(handle);
  list.Push(end, ctx.args().subspan(2));
  ctx.reply().Integer(static_cast<int64_t>(list.Length()));
  ctx.Notify(settings::kNotifyList, PushEvent(end), key.text);
}

void LPush(Context& ctx) { Push(ctx, ListEnd::kHead, false); }
void RPush(Context& ctx) { Push(ctx, ListEnd::kTail, false); }
void LPushX(Context& ctx) { Push(ctx, ListEnd::kHead, true); }
void RPushX(Context& ctx) { Push(ctx, ListEnd::kTail, true); }

void LLen(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kList)) return;
  ctx.reply().Integer(entry == nullptr ? 0 : static_cast<int64_t>(ListReader(*entry).Length()));
}

// Indexes `start` to `stop` (inclusive, negative from the end) of a list, as a start and a count.
struct Range {
  int64_t start;
  int64_t count;
};
Range RangeOf(int64_t start, int64_t stop, int64_t length) {
  if (start < 0) start = std::max<int64_t>(start + length, 0);
  if (stop < 0) stop += length;
  stop = std::min(stop, length - 1);
  return start > stop ? Range{0, 0} : Range{start, stop - start + 1};
}

void LRange(Context& ctx) {
  const auto start = ctx.Integer(2);
  if (!start) return;
  const auto stop = ctx.Integer(3);
  if (!stop) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Array(0);
  if (!ctx.CheckType(entry, Type::kList)) return;
  const ListReader list(*entry);
  const Range range = RangeOf(*start, *stop, static_cast<int64_t>(list.Length()));
  resp::Writer& reply = ctx.reply();
  reply.Array(static_cast<size_t>(range.count));
  if (range.count == 0) return;
  int64_t left = range.count;
  list.Walk(range.start, false, [&](const ListReader::Element& element) {
    ReplyElement(reply, element);
    return --left > 0;
  });
}

void LIndex(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Null();
  if (!ctx.CheckType(entry, Type::kList)) return;
  const auto index = ctx.Integer(2);
  if (!index) return;
  bool is_found = false;
  ListReader(*entry).Walk(*index, false, [&](const ListReader::Element& element) {
    ReplyElement(ctx.reply(), element);
    is_found = true;
    return false;
  });
  if (!is_found) ctx.reply().Null();
}

void LSet(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.Error("ERR no such key");
  if (!ctx.CheckType(&*handle, Type::kList)) return;
  const auto index = ctx.Integer(2);
  if (!index) return;
  if (!ListValue(handle).Set(*index, ctx[3])) return ctx.Error("ERR index out of range");
  ctx.reply().Ok();
  ctx.Notify(settings::kNotifyList, "lset", key.text);
}

void LInsert(Context& ctx) {
  const bool after = ctx.Is(2, "after");
  if (!after && !ctx.Is(2, "before")) return ctx.SyntaxError();
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kList)) return;
  ListValue list(handle);
  if (!list.Insert(ctx[3], after, ctx[4])) return ctx.reply().Integer(-1);
  ctx.reply().Integer(static_cast<int64_t>(list.Length()));
  ctx.Notify(settings::kNotifyList, "linsert", key.text);
}

void LRem(Context& ctx) {
  const auto count = ctx.Integer(2);
  if (!count) return;
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kList)) return;
  const bool backward = *count < 0;
  const uint64_t limit = backward ? -static_cast<uint64_t>(*count) : static_cast<uint64_t>(*count);
  const size_t removed = ListValue(handle).Remove(ctx[3], limit, backward);
  ctx.reply().Integer(static_cast<int64_t>(removed));
  if (removed > 0) ctx.Notify(settings::kNotifyList, "lrem", key.text);
}

void LTrim(Context& ctx) {
  const auto start = ctx.Integer(2);
  if (!start) return;
  const auto stop = ctx.Integer(3);
  if (!stop) return;
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Ok();
  if (!ctx.CheckType(&*handle, Type::kList)) return;
  ListValue list(handle);
  const Range range = RangeOf(*start, *stop, static_cast<int64_t>(list.Length()));
  list.Keep(static_cast<size_t>(range.start), static_cast<size_t>(range.count));
  ctx.reply().Ok();
  ctx.Notify(settings::kNotifyList, "ltrim", key.text);
}

struct LPosOptions {
  int64_t rank = 1;
  std::optional<int64_t> count;
  int64_t max_length = 0;  // 0: all
};

std::optional<LPosOptions> ParseLPosOptions(Context& ctx) {
  LPosOptions options;
  for (size_t i = 3; i < ctx.size(); i += 2) {
    if (i + 1 == ctx.size()) {
      ctx.SyntaxError();
      return std::nullopt;
    }
    if (ctx.Is(i, "rank")) {
      const auto rank = ctx.IntegerIn(i + 1, -INT64_MAX, INT64_MAX);
      if (!rank) return std::nullopt;
      if (*rank == 0) {
        ctx.Error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
            "or use negative to start from the end of the list");
        return std::nullopt;
      }
      options.rank = *rank;
    } else if (ctx.Is(i, "count")) {
      options.count = ctx.IntegerIn(i + 1, 0, INT64_MAX, "ERR COUNT can't be negative");
      if (!options.count) return std::nullopt;
    } else if (ctx.Is(i, "maxlen")) {
      const auto max_length = ctx.IntegerIn(i + 1, 0, INT64_MAX, "ERR MAXLEN can't be negative");
      if (!max_length) return std::nullopt;
      options.max_length = *max_length;
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

// Calls `found(index)` for the matches from the rank on, until it gives false.
template <typename Found>
void FindPositions(const ListReader& list, std::string_view text, const LPosOptions& options, Found&& found) {
  const ElementMatcher matches(text);
  const bool backward = options.rank < 0;
  const auto length = static_cast<int64_t>(list.Length());
  int64_t to_skip = (backward ? -options.rank : options.rank) - 1;
  int64_t seen = 0;
  list.Walk(backward ? -1 : 0, backward, [&](const ListReader::Element& element) {
    const int64_t index = backward ? length - 1 - seen : seen;
    ++seen;
    if (matches(element) && to_skip-- <= 0 && !found(index)) return false;
    return options.max_length == 0 || seen < options.max_length;
  });
}

void LPos(Context& ctx) {
  const auto options = ParseLPosOptions(ctx);
  if (!options) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  resp::Writer& reply = ctx.reply();
  if (entry == nullptr) return options->count ? reply.Array(0) : reply.Null();
  if (!ctx.CheckType(entry, Type::kList)) return;
  const ListReader list(*entry);
  if (options->count) {
    const auto deferred = reply.DeferArray();
    int64_t found = 0;
    FindPositions(list, ctx[2], *options, [&](int64_t index) {
      reply.Integer(index);
      return ++found != *options->count;
    });
    reply.Finish(deferred, static_cast<size_t>(found));
    return;
  }
  std::optional<int64_t> position;
  FindPositions(list, ctx[2], *options, [&](int64_t index) {
    position = index;
    return false;
  });
  if (position) {
    reply.Integer(*position);
  } else {
    reply.Null();
  }
}

}  // namespace

std::optional<ListEnd> ParseListEnd(Context& ctx, size_t i) {
  if (ctx.Is(i, "left")) return ListEnd::kHead;
  if (ctx.Is(i, "right")) return ListEnd::kTail;
  ctx.SyntaxError();
  return std::nullopt;
}

void RegisterLists(engine::CommandTable& table) {
  table.Bind("lpush", engine::MakeHandler<&LPush>());
  table.Bind("rpush", engine::MakeHandler<&RPush>());
  table.Bind("lpushx", engine::MakeHandler<&LPushX>());
  table.Bind("rpushx", engine::MakeHandler<&RPushX>());
  table.Bind("llen", engine::MakeHandler<&LLen>());
  table.Bind("lrange", engine::MakeHandler<&LRange>());
  table.Bind("lindex", engine::MakeHandler<&LIndex>());
  table.Bind("lset", engine::MakeHandler<&LSet>());
  table.Bind("linsert", engine::MakeHandler<&LInsert>());
  table.Bind("lrem", engine::MakeHandler<&LRem>());
  table.Bind("ltrim", engine::MakeHandler<&LTrim>());
  table.Bind("lpos", engine::MakeHandler<&LPos>());
  RegisterListPops(table);
  RegisterListMoves(table);
}

}  // namespace hearth::commands
