// Popping elements: from one list, from the first of several, and waiting for one.
#include <algorithm>

#include "base/numbers.h"
#include "commands/block_timeout.h"
#include "commands/element_reply.h"
#include "commands/key_pops.h"
#include "commands/lists.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::ListEnd;
using keyspace::ListReader;
using keyspace::ListValue;

// Removes one element and replies with it.
void PopOne(Context& ctx, WriteHandle& handle, ListEnd end) {
  ReplyElement(ctx.reply(), ListReader(*handle).Peek(end));
  ListValue(handle).Drop(end, 1);
  ctx.Notify(settings::kNotifyList, PopEvent(end), handle.key().text);
}

// Removes `count` elements, as many as there are at least, and replies with their array.
void PopSeveral(Context& ctx, WriteHandle& handle, ListEnd end, size_t count) {
  ctx.reply().Array(count);
  const bool backward = end == ListEnd::kTail;
  size_t left = count;
  ListReader(*handle).Walk(backward ? -1 : 0, backward, [&](const ListReader::Element& element) {
    ReplyElement(ctx.reply(), element);
    return --left > 0;
  });
  ListValue(handle).Drop(end, count);
  ctx.Notify(settings::kNotifyList, PopEvent(end), handle.key().text);
}

void Pop(Context& ctx, ListEnd end) {
  if (ctx.size() > 3) return ctx.WrongArgumentCount();
  const bool has_count = ctx.size() == 3;
  uint64_t count = 1;
  if (has_count) {
    const auto given = ctx.IntegerIn(2, 0, INT64_MAX, "ERR value is out of range, must be positive");
    if (!given) return;
    count = static_cast<uint64_t>(*given);
  }
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (!handle) return has_count ? ctx.reply().NullArray() : ctx.reply().Null();
  if (!ctx.CheckType(&*handle, Type::kList)) return;
  if (!has_count) return PopOne(ctx, handle, end);
  if (count == 0) return ctx.reply().Array(0);
  PopSeveral(ctx, handle, end, std::min(count, ListReader(*handle).Length()));
}

void LPop(Context& ctx) { Pop(ctx, ListEnd::kHead); }
void RPop(Context& ctx) { Pop(ctx, ListEnd::kTail); }

// "numkeys key [key ...] LEFT|RIGHT [COUNT count]"
struct MultiPop {
  size_t first_key;
  size_t key_count;
  ListEnd end;
  uint64_t count = 1;
};

std::optional<MultiPop> ParseMultiPop(Context& ctx, size_t key_count_at) {
  const auto key_count = ctx.IntegerIn(key_count_at, 1, INT64_MAX, "ERR numkeys should be greater than 0");
  if (!key_count) return std::nullopt;
  const size_t first_key = key_count_at + 1;
  if (static_cast<uint64_t>(*key_count) >= ctx.size() - first_key) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  const size_t end_at = first_key + static_cast<size_t>(*key_count);
  const auto end = ParseListEnd(ctx, end_at);
  if (!end) return std::nullopt;
  MultiPop pop{first_key, static_cast<size_t>(*key_count), *end};
  if (end_at + 1 == ctx.size()) return pop;
  if (!ctx.Is(end_at + 1, "count") || end_at + 2 == ctx.size()) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  const auto count = ctx.IntegerIn(end_at + 2, 1, INT64_MAX, "ERR count should be greater than 0");
  if (!count) return std::nullopt;
  if (end_at + 3 != ctx.size()) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  pop.count = static_cast<uint64_t>(*count);
  return pop;
}

std::string_view PopName(ListEnd end) { return end == ListEnd::kHead ? "LPOP" : "RPOP"; }

// True if something was replied.
bool TryMultiPop(Context& ctx, const MultiPop& pop) {
  bool is_done = false;
  WriteHandle handle = FindFirstOf(ctx, pop.first_key, pop.key_count, Type::kList, is_done);
  if (!handle) return is_done;
  const size_t count = std::min(pop.count, ListReader(*handle).Length());
  ctx.reply().Array(2);
  ctx.reply().Bulk(handle.key().text);
  char digits[20];
  const std::string_view count_text(digits,
                                    static_cast<size_t>(FormatInt64(static_cast<int64_t>(count), digits)));
  ctx.effects().Replace({PopName(pop.end), handle.key().text, count_text});
  PopSeveral(ctx, handle, pop.end, count);
  return true;
}

bool TryPop(Context& ctx, ListEnd end) {
  bool is_done = false;
  WriteHandle handle = FindFirstOf(ctx, 1, ctx.size() - 2, Type::kList, is_done);
  if (!handle) return is_done;
  ctx.reply().Array(2);
  ctx.reply().Bulk(handle.key().text);
  ctx.effects().Replace({PopName(end), handle.key().text});
  PopOne(ctx, handle, end);
  return true;
}

void BlockForKeys(Context& ctx, size_t first_key, size_t key_count, int64_t deadline_ms) {
  if (!ctx.may_block()) return ctx.reply().NullArray();
  const auto keys = ctx.args().subspan(first_key, key_count);
  ctx.Block({.keys = {keys.begin(), keys.end()}, .type = Type::kList, .deadline_ms = deadline_ms});
}

void LMPop(Context& ctx) {
  const auto pop = ParseMultiPop(ctx, 1);
  if (pop && !TryMultiPop(ctx, *pop)) ctx.reply().NullArray();
}

void BLMPop(Context& ctx) {
  // What is wrong behind the timeout is told before the timeout itself.
  const auto pop = ParseMultiPop(ctx, 2);
  if (!pop) return;
  const auto deadline_ms = ParseBlockDeadline(ctx, 1);
  if (deadline_ms && !TryMultiPop(ctx, *pop)) BlockForKeys(ctx, pop->first_key, pop->key_count, *deadline_ms);
}

void BlockingPop(Context& ctx, ListEnd end) {
  const auto deadline_ms = ParseBlockDeadline(ctx, ctx.size() - 1);
  if (deadline_ms && !TryPop(ctx, end)) BlockForKeys(ctx, 1, ctx.size() - 2, *deadline_ms);
}

void BLPop(Context& ctx) { BlockingPop(ctx, ListEnd::kHead); }
void BRPop(Context& ctx) { BlockingPop(ctx, ListEnd::kTail); }

}  // namespace

void RegisterListPops(engine::CommandTable& table) {
  table.Bind("lpop", engine::MakeHandler<&LPop>());
  table.Bind("rpop", engine::MakeHandler<&RPop>());
  table.Bind("lmpop", engine::MakeHandler<&LMPop>());
  table.Bind("blpop", engine::MakeHandler<&BLPop>());
  table.Bind("brpop", engine::MakeHandler<&BRPop>());
  table.Bind("blmpop", engine::MakeHandler<&BLMPop>());
}

}  // namespace hearth::commands
