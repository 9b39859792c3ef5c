#include "keyspace/set_contents.h"

#include <algorithm>
#include <memory>

#include "base/numbers.h"
#include "ds/intset.h"
#include "keyspace/member_table.h"
#include "keyspace/set_value.h"

namespace hearth::keyspace {
namespace {

using ds::Intset;
using ds::IntsetView;
using ds::Listpack;
using ds::ListpackView;

// No intset is worth its memory moves beyond this, whatever the limit says.
constexpr int64_t kMaxIntsetEntries = int64_t{1} << 30;

size_t IntsetLimit(const settings::Settings& settings) {
  return static_cast<size_t>(std::min<int64_t>(settings.set_max_intset_entries, kMaxIntsetEntries));
}
size_t ListpackLimit(const settings::Settings& settings) {
  return static_cast<size_t>(settings.set_max_listpack_entries);
}
bool IsShort(const settings::Settings& settings, size_t size) {
  return size <= static_cast<uint64_t>(settings.set_max_listpack_value);
}

IntsetView IntsetAt(const void* container) { return IntsetView(static_cast<const uint8_t*>(container)); }
ListpackView PackAt(const void* container) { return ListpackView(static_cast<const uint8_t*>(container)); }
MemberTable& TableAt(void* container) { return *static_cast<MemberTable*>(container); }

// Holds an intset or a listpack open for change, and hangs its block, which may have moved, back where it
// was.
template <typename Block>
class Edit {
 public:
  explicit Edit(void*& container)
      : container_(container), block_(Block::Adopt(static_cast<uint8_t*>(container))) {}
  ~Edit() { container_ = block_.Release(); }
  Block* operator->() { return &block_; }

 private:
  void*& container_;
  Block block_;
};

size_t DigitCount(int64_t number) {
  char digits[20];
  return static_cast<size_t>(FormatInt64(number, digits));
}

}  // namespace

SetContents::SetContents(Keyspace& keyspace)
    : keyspace_(keyspace), encoding_(Encoding::kIntset), container_(Intset().Release()) {}

SetContents::SetContents(Keyspace& keyspace, std::string_view first, size_t size_hint) : keyspace_(keyspace) {
  if (size_hint <= IntsetLimit(settings()) && ParseInt64(first)) {
    encoding_ = Encoding::kIntset;
    container_ = Intset().Release();
  } else if (size_hint <= ListpackLimit(settings())) {
    encoding_ = Encoding::kListpack;
    container_ = Listpack().Release();
  } else {
    encoding_ = Encoding::kHashTable;
    container_ = std::make_unique<MemberTable>(&keyspace.cuts()).release();
  }
}

SetContents::~SetContents() {
  if (container_ != nullptr) FreeContainer();
}

void SetContents::FreeContainer() {
  if (encoding_ == Encoding::kIntset) {
    const Intset freed = Intset::Adopt(static_cast<uint8_t*>(container_));
  } else if (encoding_ == Encoding::kListpack) {
    const Listpack freed = Listpack::Adopt(static_cast<uint8_t*>(container_));
  } else {
    const std::unique_ptr<MemberTable> freed(&TableAt(container_));
  }
}

size_t SetContents::Length() const { return SetReader(encoding_, container_).Length(); }

void SetContents::PrepareFor(size_t added) {
  if ((encoding_ == Encoding::kListpack && added > ListpackLimit(settings())) ||
      (encoding_ == Encoding::kIntset && added > IntsetLimit(settings()))) {
    ConvertToTable();
  }
}

bool SetContents::Add(const Element& member) {
  if (member.is_number && encoding_ == Encoding::kIntset) return AddNumber(member.number);
  ds::NumberBuffer digits;
  return Add(member.View(digits));
}

bool SetContents::Add(std::string_view member) {
  if (encoding_ == Encoding::kHashTable) return TableAt(container_).Add(member);
  if (encoding_ == Encoding::kListpack) return AddToListpack(member);
  const auto number = ParseInt64(member);
  return number ? AddNumber(*number) : AddTextToIntset(member);
}

bool SetContents::AddNumber(int64_t number) {
  if (!Edit<Intset>(container_)->Add(number)) return false;
  if (IntsetAt(container_).Length() > IntsetLimit(settings())) ConvertToTable();
  return true;
}

bool SetContents::AddTextToIntset(std::string_view member) {
  IntsetFitsListpackWith(member) ? ConvertToListpack() : ConvertToTable();
  if (encoding_ == Encoding::kHashTable) return TableAt(container_).Add(member);
  Edit<Listpack>(container_)->Append(member);
  return true;
}

bool SetContents::IntsetFitsListpackWith(std::string_view member) const {
  const IntsetView view = IntsetAt(container_);
  if (view.Length() >= ListpackLimit(settings()) || !IsShort(settings(), member.size())) return false;
  return view.Length() == 0 || IsShort(settings(), std::max(DigitCount(view.Min()), DigitCount(view.Max())));
}

bool SetContents::AddToListpack(std::string_view member) {
  const ListpackView view = PackAt(container_);
  if (view.Find(member, view.First(), 0) != ListpackView::kNone) return false;
  if (view.Length() < ListpackLimit(settings()) && IsShort(settings(), member.size()) &&
      view.TotalBytes() + member.size() <= Listpack::kMaxBytes / 2) {
    Edit<Listpack>(container_)->Append(member);
    return true;
  }
  ConvertToTable();
  return TableAt(container_).Add(member);
}

bool SetContents::Remove(std::string_view member) {
  if (encoding_ == Encoding::kHashTable) return TableAt(container_).Erase(member);
  if (encoding_ == Encoding::kIntset) {
    const auto number = ParseInt64(member);
    return number && Edit<Intset>(container_)->Remove(*number);
  }
  const ListpackView view = PackAt(container_);
  const auto at = view.Find(member, view.First(), 0);
  if (at == ListpackView::kNone) return false;
  Edit<Listpack>(container_)->Delete(at);
  return true;
}

void SetContents::ConvertToTable() {
  auto table = std::make_unique<MemberTable>(&keyspace_.cuts());
  SetReader(encoding_, container_).ForEach([&](const Element& element) {
    ds::NumberBuffer digits;
    table->Add(element.View(digits));
  });
  FreeContainer();
  encoding_ = Encoding::kHashTable;
  container_ = table.release();
}

void SetContents::ConvertToListpack() {
  Listpack pack;
  SetReader(encoding_, container_).ForEach([&](const Element& element) { pack.Append(element.number); });
  FreeContainer();
  encoding_ = Encoding::kListpack;
  container_ = pack.Release();
}

}  // namespace hearth::keyspace
