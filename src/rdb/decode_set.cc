// Sets: members one by one, intsets and listpacks.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/numbers.h"
#include "ds/intset.h"
#include "keyspace/table_builders.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Intset;
using ds::Listpack;
using ds::ListpackView;
using keyspace::Encoding;
using keyspace::MemberTableBuilder;

// Grows from an intset to a listpack to a table, as the members ask for.
class SetBuilder {
 public:
  explicit SetBuilder(const DecodeContext& context) : context_(context) {}

  // Before members come whose number is known.
  void BeginTable(size_t count) {
    table_.emplace(context_.cuts, count);
    intset_.reset();
  }
  // False if the member, or one of the few before it, is there already.
  bool Add(std::string_view member, size_t expected) {
    if (intset_) {
      const auto number = ParseInt64(member);
      if (number) return intset_->Add(*number);
      LeaveIntset(member, expected);
    }
    if (pack_) {
      if (PackFits(pack_->Length(), pack_->TotalBytes(), member.size())) {
        if (pack_->View().Find(member, pack_->View().First(), 0) != ListpackView::kNone) return false;
        pack_->Append(member);
        return true;
      }
      LeavePack(expected);
    }
    return table_->Add(member);
  }
  bool AddAll(ListpackView pack) {
    ds::NumberBuffer digits;
    for (auto at = pack.First(); at != ListpackView::kNone; at = pack.Next(at)) {
      if (!table_->Add(pack.Get(at).View(digits))) return false;
    }
    return true;
  }
  bool AddAll(ds::IntsetView intset) {
    char digits[20];
    for (size_t i = 0; i < intset.Length(); ++i) {
      const auto size = static_cast<size_t>(FormatInt64(intset.Get(i), digits));
      if (!table_->Add(std::string_view(digits, size))) return false;
    }
    return true;
  }

  // False if a member is there twice.
  bool Release(Container* container) {
    if (intset_) {
      *container = {Encoding::kIntset, intset_->Release()};
    } else if (pack_) {
      *container = {Encoding::kListpack, pack_->Release()};
    } else {
      *container = {Encoding::kHashTable, table_->Build().release()};
    }
    return container->pointer != nullptr;
  }

 private:
  bool PackFits(size_t count, size_t bytes, size_t member_bytes) const {
    return count < static_cast<uint64_t>(context_.settings.set_max_listpack_entries) &&
           member_bytes <= static_cast<uint64_t>(context_.settings.set_max_listpack_value) &&
           bytes + member_bytes < Listpack::kMaxBytes / 2;
  }
  void LeaveIntset(std::string_view member, size_t expected) {
    const Intset numbers = std::move(*intset_);
    intset_.reset();
    // The longest number has 20 digits.
    const size_t longest = std::max<size_t>(member.size(), numbers.Length() > 0 ? 20 : 0);
    if (PackFits(numbers.Length(), 0, longest)) {
      pack_.emplace();
      for (size_t i = 0; i < numbers.Length(); ++i) pack_->Append(numbers.Get(i));
    } else {
      BeginTable(expected);
      AddAll(numbers.View());
    }
  }
  void LeavePack(size_t expected) {
    const Listpack members = std::move(*pack_);
    pack_.reset();
    BeginTable(expected);
    AddAll(members.View());
  }

  const DecodeContext& context_;
  std::optional<Intset> intset_{std::in_place};
  std::optional<Listpack> pack_;
  std::optional<MemberTableBuilder> table_;
};

constexpr std::string_view kTwice = "a set has a member twice";

bool DecodeMembers(Reader& reader, const DecodeContext& context, Container* container) {
  uint64_t count = 0;
  if (!reader.ReadCount(&count, 1)) return false;
  if (count == 0) return true;
  SetBuilder builder(context);
  const size_t expected = reader.RoomFor(count);
  if (count > static_cast<uint64_t>(context.settings.set_max_intset_entries)) builder.BeginTable(expected);
  for (; count > 0; --count) {
    std::string_view member;
    if (!reader.ReadString(&member)) return false;
    if (!builder.Add(member, expected)) return reader.Fail(kTwice);
  }
  return builder.Release(container) || reader.Fail(kTwice);
}

bool DecodeIntset(Reader& reader, const DecodeContext& context, Container* container) {
  std::string_view raw;
  if (!reader.ReadString(&raw)) return false;
  if (!ds::ValidateIntset(raw, true)) return reader.Fail("an intset is broken");
  const ds::IntsetView intset(reinterpret_cast<const uint8_t*>(raw.data()));
  if (intset.Length() == 0) return true;
  if (intset.Length() <= static_cast<uint64_t>(context.settings.set_max_intset_entries)) {
    *container = {Encoding::kIntset, Intset::Copy(raw).Release()};
    return true;
  }
  SetBuilder builder(context);
  builder.BeginTable(intset.Length());
  return (builder.AddAll(intset) && builder.Release(container)) || reader.Fail(kTwice);
}

bool DecodePack(Reader& reader, const DecodeContext& context, Container* container) {
  std::optional<Listpack> pack;
  if (!ReadListpack(reader, &pack)) return false;
  const size_t length = pack->Length();
  if (length == 0) return true;
  if (length <= static_cast<uint64_t>(context.settings.set_max_listpack_entries)) {
    if (context.checks_deeply && HasDuplicates(pack->View(), 1)) return reader.Fail(kTwice);
    *container = {Encoding::kListpack, pack->Release()};
    return true;
  }
  SetBuilder builder(context);
  builder.BeginTable(length);
  return (builder.AddAll(pack->View()) && builder.Release(container)) || reader.Fail(kTwice);
}

}  // namespace

bool DecodeSet(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  if (type == ValueType::kSetIntset) return DecodeIntset(reader, context, container);
  if (type == ValueType::kSetListpack) return DecodePack(reader, context, container);
  return DecodeMembers(reader, context, container);
}

}  // namespace hearth::rdb
