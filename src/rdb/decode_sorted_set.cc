// Sorted sets: members with their scores as text or as doubles, ziplists and listpacks.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "keyspace/score_index_builder.h"
#include "keyspace/sorted_set_value.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::ListpackValue;
using ds::ListpackView;
using keyspace::Encoding;
using keyspace::PackedScore;
using keyspace::ScoreIndex;
using keyspace::ScoreIndexBuilder;

constexpr std::string_view kTwice = "a sorted set has a member twice";
constexpr std::string_view kNotANumber = "a score is no number";

uint64_t PackLimit(const DecodeContext& context) {
  return static_cast<uint64_t>(context.settings.zset_max_listpack_entries);
}

bool ReadScore(Reader& reader, ValueType type, double* score) {
  if (type == ValueType::kZset) {
    if (!reader.ReadTextScore(score)) return false;
  } else if (!reader.ReadLittle(score)) {
    return false;
  }
  return !std::isnan(*score) || reader.Fail(kNotANumber);
}

// ---- small ones, which become listpacks

struct Scored {
  double score = 0;
  std::string member;
  auto operator<=>(const Scored&) const = default;
};

void AppendScore(Listpack& pack, double score) {
  constexpr double kBound = 4611686018427387904.0;
  if (score >= -kBound && score <= kBound && score == std::trunc(score)) {
    pack.Append(static_cast<int64_t>(score));
  } else {
    pack.Append(FormatDouble(score));
  }
}

bool HasMemberTwice(const std::vector<Scored>& items) {
  std::vector<std::string_view> members;
  members.reserve(items.size());
  for (const Scored& item : items) members.push_back(item.member);
  std::sort(members.begin(), members.end());
  return std::adjacent_find(members.begin(), members.end()) != members.end();
}

bool DecodeFew(Reader& reader, ValueType type, uint64_t count, const DecodeContext& context,
               Container* container) {
  std::vector<Scored> items;
  size_t longest = 0;
  size_t bytes = 0;
  for (; count > 0; --count) {
    Scored& item = items.emplace_back();
    if (!reader.ReadString(&item.member) || !ReadScore(reader, type, &item.score)) return false;
    longest = std::max(longest, item.member.size());
    bytes += item.member.size();
  }
  if (HasMemberTwice(items)) return reader.Fail(kTwice);
  std::sort(items.begin(), items.end());
  if (longest <= static_cast<uint64_t>(context.settings.zset_max_listpack_value) &&
      bytes < Listpack::kMaxBytes / 2) {
    Listpack pack;
    for (const Scored& item : items) {
      pack.Append(item.member);
      AppendScore(pack, item.score);
    }
    *container = {Encoding::kListpack, pack.Release()};
    return true;
  }
  auto index = std::make_unique<ScoreIndex>(context.cuts);
  for (const Scored& item : items) index->Add(item.member, item.score);
  *container = {Encoding::kSkiplist, index.release()};
  return true;
}

// ---- large ones

bool KeepIndex(Reader& reader, ScoreIndexBuilder& builder, Container* container) {
  auto index = builder.Build();
  if (index == nullptr) return reader.Fail(kTwice);
  *container = {Encoding::kSkiplist, index.release()};
  return true;
}

bool DecodeMany(Reader& reader, ValueType type, uint64_t count, const DecodeContext& context,
                Container* container) {
  ScoreIndexBuilder builder(context.cuts, reader.RoomFor(count));
  std::string member;
  for (; count > 0; --count) {
    double score = 0;
    if (!reader.ReadString(&member) || !ReadScore(reader, type, &score)) return false;
    if (!builder.Add(member, score)) return reader.Fail(kTwice);
  }
  return KeepIndex(reader, builder, container);
}

// ---- compact forms

// The score as the compact form has it; nothing if it is no number.
std::optional<double> ScoreOf(const ListpackValue& value) {
  if (value.is_number) return static_cast<double>(value.number);
  return ParseDouble(value.text);
}

bool IsPaired(const Listpack& pack) { return pack.Length() % 2 == 0; }

// Scores are numbers and the pairs are in order.
bool IsInOrder(ListpackView pack) {
  std::optional<double> last_score;
  std::string last_member;
  ds::NumberBuffer digits;
  for (auto at = pack.First(); at != ListpackView::kNone;) {
    const auto score_at = pack.Next(at);
    const auto score = ScoreOf(pack.Get(score_at));
    if (!score) return false;
    const std::string_view member = pack.Get(at).View(digits);
    if (last_score && (*score < *last_score || (*score == *last_score && member < last_member))) return false;
    last_score = score;
    last_member = member;
    at = pack.Next(score_at);
  }
  return true;
}

bool DecodePack(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  std::optional<Listpack> pack;
  const bool is_old = type == ValueType::kZsetZiplist;
  if (!(is_old ? ReadZiplist(reader, &pack) : ReadListpack(reader, &pack))) {
    return false;
  }
  const size_t length = pack->Length();
  if (length == 0) return true;
  if (!IsPaired(*pack)) return reader.Fail("a sorted set has a member without a score");
  if (context.checks_deeply) {
    if (HasDuplicates(pack->View(), 2)) return reader.Fail(kTwice);
    if (!IsInOrder(pack->View())) return reader.Fail("a sorted set is not in order");
  }
  if (length / 2 <= PackLimit(context)) {
    *container = {Encoding::kListpack, pack->Release()};
    return true;
  }
  ScoreIndexBuilder builder(context.cuts, length / 2);
  ds::NumberBuffer digits;
  const ListpackView view = pack->View();
  for (auto at = view.First(); at != ListpackView::kNone;) {
    const auto score_at = view.Next(at);
    const double score = PackedScore(view.Get(score_at));
    if (!builder.Add(view.Get(at).View(digits), score)) return reader.Fail(kTwice);
    at = view.Next(score_at);
  }
  return KeepIndex(reader, builder, container);
}

}  // namespace

bool DecodeSortedSet(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  if (type == ValueType::kZsetZiplist || type == ValueType::kZsetListpack) {
    return DecodePack(reader, type, context, container);
  }
  uint64_t count = 0;
  if (!reader.ReadCount(&count, type == ValueType::kZset ? 2 : 1 + sizeof(double))) return false;
  if (count == 0) return true;
  return count <= PackLimit(context) ? DecodeFew(reader, type, count, context, container)
                                     : DecodeMany(reader, type, count, context, container);
}

}  // namespace hearth::rdb
