// SORT and SORT_RO.
#include <algorithm>
#include <vector>

#include "commands/register.h"
#include "commands/sort_order.h"
#include "commands/sort_pattern.h"
#include "engine/acl_user.h"
#include "engine/context.h"
#include "keyspace/container.h"
#include "keyspace/list_value.h"
#include "keyspace/set_value.h"
#include "keyspace/sorted_set_value.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::ListValue;

struct SortOptions {
  bool is_descending = false;
  bool is_text = false;
  bool must_sort = true;  // not so after BY with a pattern that has no place for the element
  int64_t offset = 0;
  int64_t count = -1;
  std::optional<SortPattern> by;
  std::vector<SortPattern> gets;
  size_t store_argument = 0;
};

// In cluster mode the keys of a pattern may be anywhere, and nobody knows which of them a user may read.
// Replies the error.
bool IsPatternAllowed(Context& ctx, const SortPattern& pattern, std::string_view option) {
  const bool is_by = option == "BY";
  if (ctx.settings().cluster_enabled && pattern.has_place()) {
    ctx.Error("ERR " + std::string(option) + " option of SORT denied in cluster mode.");
    return false;
  }
  const Client& client = ctx.client();
  if (!client.is(Client::kRestricted) || (is_by && !pattern.has_place())) return true;
  if (client.user->MayReadAllKeys(ctx.command(), ctx.args())) return true;
  ctx.Error("ERR " + std::string(option) + " option of SORT denied due to insufficient ACL permissions.");
  return false;
}

bool ParseLimit(Context& ctx, size_t i, SortOptions& options) {
  const auto offset = ctx.Integer(i);
  if (!offset) return false;
  const auto count = ctx.Integer(i + 1);
  if (!count) return false;
  options.offset = *offset;
  options.count = *count;
  return true;
}

// One option at argument i, which moves to the next; false if an error has been replied.
bool ParseOption(Context& ctx, size_t& i, bool may_store, SortOptions& options) {
  const size_t left = ctx.size() - i - 1;
  if (ctx.Is(i, "ASC") || ctx.Is(i, "DESC")) {
    options.is_descending = ctx.Is(i, "DESC");
    i += 1;
  } else if (ctx.Is(i, "ALPHA")) {
    options.is_text = true;
    i += 1;
  } else if (ctx.Is(i, "LIMIT") && left >= 2) {
    if (!ParseLimit(ctx, i + 1, options)) return false;
    i += 3;
  } else if (ctx.Is(i, "STORE") && left >= 1 && may_store) {
    options.store_argument = i + 1;
    i += 2;
  } else if (ctx.Is(i, "BY") && left >= 1) {
    options.by.emplace(ctx[i + 1]);
    if (!IsPatternAllowed(ctx, *options.by, "BY")) return false;
    // Once any BY has said not to sort, it stays so.
    options.must_sort = options.must_sort && options.by->has_place();
    i += 2;
  } else if (ctx.Is(i, "GET") && left >= 1) {
    options.gets.emplace_back(ctx[i + 1]);
    if (!IsPatternAllowed(ctx, options.gets.back(), "GET")) return false;
    i += 2;
  } else {
    ctx.SyntaxError();
    return false;
  }
  return true;
}

// From `start` to before `end`.
struct Range {
  size_t start;
  size_t end;
  size_t size() const { return end - start; }
};

Range RangeOf(const SortOptions& options, size_t size) {
  const size_t start = std::min(static_cast<size_t>(std::max<int64_t>(options.offset, 0)), size);
  const size_t rest = size - start;
  if (options.count < 0) return {start, size};
  return {start, start + std::min(static_cast<size_t>(options.count), rest)};
}

// What can be sorted; a missing key is an empty list.
bool IsSortable(const Entry* entry) {
  return entry == nullptr || entry->type() == Type::kList || entry->type() == Type::kSet ||
         entry->type() == Type::kSortedSet;
}

size_t SizeOf(const Entry* entry) { return entry == nullptr ? 0 : keyspace::ContainerSize(*entry); }

// Copies the elements of a range, in the order in which the value has them; a sorted set has one backwards
// too.
void Load(const Entry* entry, Range range, bool backward, SortItems& items) {
  if (range.size() == 0) return;
  ds::NumberBuffer digits;
  switch (entry->type()) {
    case Type::kSet: {
      size_t place = 0;
      keyspace::SetReader(*entry).ForEachWhile([&](const auto& member) {
        if (place++ >= range.start) items.Add(member.View(digits));
        return items.size() < range.size();
      });
      return;
    }
    case Type::kSortedSet: {
      const keyspace::SortedSetReader set(*entry);
      const size_t length = set.Length();
      const keyspace::RankRange ranks = backward
                                            ? keyspace::RankRange{length - range.end, length - range.start}
                                            : keyspace::RankRange{range.start, range.end};
      set.Walk(ranks, backward, [&](const auto& member, double) {
        items.Add(member.View(digits));
        return true;
      });
      return;
    }
    case Type::kList: {
      const int64_t start = static_cast<int64_t>(range.start);
      keyspace::ListReader(*entry).Walk(backward ? -1 - start : start, backward, [&](const auto& element) {
        items.Add(element.View(digits));
        return items.size() < range.size();
      });
      return;
    }
    default:
      HEARTH_ASSERT(false);
  }
}

// Gives every item what it is sorted by; false if that is to be a number and is none.
bool Weigh(Context& ctx, SortOptions& options, SortItems& items) {
  if (options.is_text && !options.by) return true;
  bool are_good = true;
  for (size_t i = 0; i < items.size(); ++i) {
    SortItem& item = items[i];
    std::optional<std::string_view> weight = item.text;
    if (options.by) weight = options.by->Lookup(ctx, item.text);
    if (!weight) continue;
    if (options.is_text) {
      item.weight = items.Keep(*weight);
    } else if (const auto score = SortScore(*weight)) {
      item.score = *score;
    } else {
      are_good = false;
    }
  }
  return are_good;
}

// Calls `use` with each value of the result: the element itself, or what every GET finds for it, which may be
// nothing.
template <typename Use>
void ForEachResult(Context& ctx, SortOptions& options, SortItems& items, Range range, Use&& use) {
  for (size_t i = range.start; i < range.end; ++i) {
    if (options.gets.empty()) use(std::optional<std::string_view>(items[i].text));
    for (SortPattern& pattern : options.gets) use(pattern.Lookup(ctx, items[i].text));
  }
}

void Store(Context& ctx, SortOptions& options, SortItems& items, Range range) {
  std::vector<std::string_view> results;
  ForEachResult(ctx, options, items, range, [&](std::optional<std::string_view> value) {
    results.push_back(value ? items.Keep(*value) : std::string_view());
  });
  const Key key = ctx.key(options.store_argument);
  const bool was_there = ctx.db().Remove(key, ctx.settings().lazyfree_lazy_server_del);
  if (!results.empty()) {
    WriteHandle handle = ListValue::Create(ctx.db(), key);
    ListValue(handle).Push(keyspace::ListEnd::kTail, results);
    ctx.Notify(settings::kNotifyList, "sortstore", key.text);
  } else if (was_there) {
    ctx.Notify(settings::kNotifyGeneric, "del", key.text);
  }
  ctx.reply().Integer(static_cast<int64_t>(results.size()));
}

void Reply(Context& ctx, SortOptions& options, SortItems& items, Range range) {
  ctx.reply().Array(range.size() * std::max<size_t>(options.gets.size(), 1));
  ForEachResult(ctx, options, items, range, [&](std::optional<std::string_view> value) {
    value ? ctx.reply().Bulk(*value) : ctx.reply().Null();
  });
}

void SortGeneric(Context& ctx, bool may_store) {
  SortOptions options;
  for (size_t i = 2; i < ctx.size();) {
    if (!ParseOption(ctx, i, may_store, options)) return;
  }
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!IsSortable(entry)) return ctx.WrongType();
  if (entry != nullptr && entry->type() == Type::kSet && options.store_argument != 0 && !options.must_sort) {
    // A set has no order of its own; what is stored must be the same on every server.
    options.must_sort = true;
    options.is_text = true;
    options.by.reset();
  }
  if (entry != nullptr && entry->type() == Type::kSortedSet) {
    // Clients can see that a sorted set which has been sorted is no listpack any more.
    WriteHandle handle = ctx.FindForWrite(ctx.key(1));
    keyspace::SortedSetValue(handle).Expand();
  }
  const size_t size = SizeOf(entry);
  Range range = RangeOf(options, size);
  SortItems items;
  if (options.must_sort) {
    Load(entry, {0, size}, false, items);
    if (!Weigh(ctx, options, items))
      return ctx.Error("ERR One or more scores can't be converted into double");
    items.Sort({options.is_text, options.by.has_value(), options.is_descending}, range.start, range.end);
  } else {
    Load(entry, range, options.is_descending, items);
    range = {0, range.size()};
  }
  options.store_argument != 0 ? Store(ctx, options, items, range) : Reply(ctx, options, items, range);
}

void Sort(Context& ctx) { SortGeneric(ctx, true); }
void SortRo(Context& ctx) { SortGeneric(ctx, false); }

}  // namespace

void RegisterSort(engine::CommandTable& table) {
  table.Bind("sort", engine::MakeHandler<&Sort>());
  table.Bind("sort_ro", engine::MakeHandler<&SortRo>());
}

}  // namespace hearth::commands
