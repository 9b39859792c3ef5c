// Hashes of which fields have an expiry, in the two forms of version 12 (fields one by one, and a listpack of
// triples), each in its final shape and in that of the release candidates before.
#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "keyspace/field_table.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::ListpackView;
using keyspace::Encoding;
using keyspace::FieldTable;
using keyspace::kNoFieldExpiry;

constexpr std::string_view kTwice = "a hash has a field twice";
constexpr std::string_view kBadTime = "no field expires at the time that is given";
// What 48 bits hold: writers keep no more.
constexpr int64_t kMaxExpiryMs = (int64_t{1} << 48) - 1;
constexpr size_t kWidth = 3;

uint64_t PackLimit(const DecodeContext& context) {
  return static_cast<uint64_t>(context.settings.hash_max_listpack_entries);
}

// ---- fields one by one

struct TimedField {
  int64_t expiry_ms;  // the largest number for none, so that these come last
  std::string name;
  std::string value;
};

class TimedFieldReader {
 public:
  TimedFieldReader(Reader& reader, ValueType type)
      : reader_(reader), is_relative_(type == ValueType::kHashMetadata) {}

  bool ReadHeader(uint64_t* count) {
    if (is_relative_ && !reader_.ReadLittle(&base_ms_)) return false;
    return reader_.ReadCount(count, 3);
  }
  // kNoFieldExpiry for a field without one. `value` is good until the next read.
  bool Read(std::string* name, std::string_view* value, int64_t* expiry_ms) {
    uint64_t time = 0;
    if (!reader_.ReadLength(&time)) return false;
    if (time > static_cast<uint64_t>(kMaxExpiryMs)) return reader_.Fail(kBadTime);
    *expiry_ms = kNoFieldExpiry;
    if (time != 0) {
      if (base_ms_ < 0 || base_ms_ > kMaxExpiryMs) return reader_.Fail(kBadTime);
      *expiry_ms = is_relative_ ? base_ms_ + static_cast<int64_t>(time) - 1 : static_cast<int64_t>(time);
      if (*expiry_ms <= 0 || *expiry_ms > kMaxExpiryMs) return reader_.Fail(kBadTime);
    }
    return reader_.ReadString(name) && reader_.ReadString(value);
  }

 private:
  Reader& reader_;
  const bool is_relative_;
  int64_t base_ms_ = 0;
};

bool DecodeMany(Reader& reader, TimedFieldReader& fields, uint64_t count, const DecodeContext& context,
                Container* container) {
  auto table = std::make_unique<FieldTable>(context.cuts);
  table->Reserve(reader.RoomFor(count));
  std::string name;
  for (; count > 0; --count) {
    std::string_view value;
    int64_t expiry_ms = kNoFieldExpiry;
    if (!fields.Read(&name, &value, &expiry_ms)) return false;
    if (!table->Set(name, value, expiry_ms)) return reader.Fail(kTwice);
  }
  *container = {Encoding::kHashTable, table.release()};
  return true;
}

bool DecodeFew(Reader& reader, TimedFieldReader& fields, uint64_t count, const DecodeContext& context,
               Container* container) {
  std::vector<TimedField> all;
  size_t longest = 0;
  for (; count > 0; --count) {
    TimedField& field = all.emplace_back();
    std::string_view value;
    if (!fields.Read(&field.name, &value, &field.expiry_ms)) return false;
    field.value = value;
    if (field.expiry_ms == kNoFieldExpiry) field.expiry_ms = std::numeric_limits<int64_t>::max();
    longest = std::max({longest, field.name.size(), value.size()});
  }
  const auto expiry_of = [](const TimedField& field) {
    return field.expiry_ms == std::numeric_limits<int64_t>::max() ? kNoFieldExpiry : field.expiry_ms;
  };
  if (longest > static_cast<uint64_t>(context.settings.hash_max_listpack_value)) {
    auto table = std::make_unique<FieldTable>(context.cuts);
    for (const TimedField& field : all) {
      if (!table->Set(field.name, field.value, expiry_of(field))) return reader.Fail(kTwice);
    }
    *container = {Encoding::kHashTable, table.release()};
    return true;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const TimedField& a, const TimedField& b) { return a.expiry_ms < b.expiry_ms; });
  Listpack pack;
  for (const TimedField& field : all) {
    pack.Append(field.name);
    pack.Append(field.value);
    pack.Append(std::max<int64_t>(expiry_of(field), 0));
  }
  if (HasDuplicates(pack.View(), kWidth)) return reader.Fail(kTwice);
  *container = {Encoding::kListpackEx, pack.Release()};
  return true;
}

// ---- triples

// Of elements field, value and expiry in turn: times are numbers that ascend, and those without one are last.
bool AreTimesSound(ListpackView pack) {
  int64_t last = 1;
  for (auto at = pack.First(); at != ListpackView::kNone; at = pack.Next(at)) {
    at = pack.Next(pack.Next(at));
    const ds::ListpackValue value = pack.Get(at);
    const int64_t time = value.number == 0 ? std::numeric_limits<int64_t>::max() : value.number;
    if (!value.is_number || time < last || (value.number != 0 && time > kMaxExpiryMs)) return false;
    last = time;
  }
  return true;
}

bool DecodeTriples(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  // The first time to come stands in the listpack too.
  if (type == ValueType::kHashListpackEx && !reader.SkipBytes(sizeof(int64_t))) return false;
  std::optional<Listpack> pack;
  if (!ReadListpack(reader, &pack)) return false;
  const size_t length = pack->Length();
  if (length == 0) return true;
  if (length % kWidth != 0) return reader.Fail("a hash with field expiries has an incomplete field");
  const ListpackView view = pack->View();
  if (!AreTimesSound(view)) return reader.Fail(kBadTime);
  if (context.checks_deeply && HasDuplicates(view, kWidth)) return reader.Fail(kTwice);
  if (length / kWidth <= PackLimit(context)) {
    *container = {Encoding::kListpackEx, pack->Release()};
    return true;
  }
  auto table = std::make_unique<FieldTable>(context.cuts);
  ds::NumberBuffer name_digits;
  ds::NumberBuffer value_digits;
  for (auto at = view.First(); at != ListpackView::kNone;) {
    const auto value_at = view.Next(at);
    const auto time_at = view.Next(value_at);
    const int64_t time = view.Get(time_at).number;
    if (!table->Set(view.Get(at).View(name_digits), view.Get(value_at).View(value_digits),
                    time > 0 ? time : kNoFieldExpiry)) {
      return reader.Fail(kTwice);
    }
    at = view.Next(time_at);
  }
  *container = {Encoding::kHashTable, table.release()};
  return true;
}

}  // namespace

bool DecodeHashWithExpiries(Reader& reader, ValueType type, const DecodeContext& context,
                            Container* container) {
  if (type == ValueType::kHashListpackEx || type == ValueType::kHashListpackExPreGa) {
    return DecodeTriples(reader, type, context, container);
  }
  TimedFieldReader fields(reader, type);
  uint64_t count = 0;
  if (!fields.ReadHeader(&count)) return false;
  if (count == 0) return true;
  return count <= PackLimit(context) ? DecodeFew(reader, fields, count, context, container)
                                     : DecodeMany(reader, fields, count, context, container);
}

}  // namespace hearth::rdb
