#include "keyspace/set_value.h"

#include <string>
#include <utility>

#include "base/numbers.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {

size_t SetReader::Length() const {
  if (is_table()) return table().size();
  return is_intset() ? intset().Length() : pack().Length();
}

bool SetReader::Has(std::string_view member) const {
  if (is_table()) return table().Has(member);
  if (is_intset()) {
    const auto number = ParseInt64(member);
    return number && intset().Contains(*number);
  }
  return pack().Find(member, pack().First(), 0) != ds::ListpackView::kNone;
}

bool SetReader::Has(const Element& member) const {
  if (member.is_number && is_intset()) return intset().Contains(member.number);
  ds::NumberBuffer digits;
  return Has(member.View(digits));
}

Element SetReader::Random(Prng& random) const {
  if (is_table()) return Element{table().Random(random)};
  if (is_intset()) return NumberElement(intset().Random(random));
  return pack().Get(pack().Seek(static_cast<int64_t>(random.Below(Length()))));
}

std::vector<Element> SetReader::DrawDistinct(Prng& random, size_t count) const {
  std::vector<Element> drawn;
  if (is_table()) {
    const auto members = table().RandomDistinct(random, count);
    drawn.reserve(members.size());
    for (const std::string_view text : members) drawn.push_back(Element{text});
    return drawn;
  }
  // Selection sampling: each member is taken with the chance that keeps all subsets alike (Knuth, volume
  // 2, 3.4.2).
  size_t left = Length();
  ForEach([&](const Element& member) {
    if (count > 0 && random.Below(left) < count) {
      drawn.push_back(member);
      --count;
    }
    --left;
  });
  return drawn;
}

// Holds the contents open for change and hangs them back on the entry.
class SetValue::Edit {
 public:
  explicit Edit(WriteHandle& handle)
      : handle_(handle),
        contents_(SetContents::Adopt(handle.database().keyspace(), handle->encoding(), handle.container())) {}
  ~Edit() {
    const Encoding encoding = contents_.encoding();
    handle_.SetContainer(encoding, contents_.Release());
  }
  SetContents* operator->() { return &contents_; }

 private:
  WriteHandle& handle_;
  SetContents contents_;
};

WriteHandle SetValue::Create(Database& database, const Key& key, std::string_view first, size_t size_hint) {
  SetContents contents(database.keyspace(), first, size_hint);
  const Encoding encoding = contents.encoding();
  return database.Create(key, Type::kSet, encoding, contents.Release());
}

WriteHandle SetValue::Store(Database& database, const Key& key, SetContents contents) {
  const Encoding encoding = contents.encoding();
  WriteHandle handle = database.Create(key, Type::kSet, encoding, contents.Release());
  handle.MarkChanged();
  return handle;
}

void SetValue::PrepareFor(size_t added) { Edit(handle_)->PrepareFor(added); }

bool SetValue::Add(std::string_view member) {
  if (!Edit(handle_)->Add(member)) return false;
  handle_.MarkChanged();
  return true;
}

void SetValue::RemoveDrawn(const std::vector<Element>& members) {
  if (handle_->encoding() == Encoding::kListpack) {
    // The texts lie in the listpack, which moves as they are removed.
    std::vector<std::string> copies;
    copies.reserve(members.size());
    for (const Element& member : members) copies.push_back(member.ToString());
    for (const std::string& member : copies) Remove(member);
    return;
  }
  ds::NumberBuffer digits;
  for (const Element& member : members) Remove(member.View(digits));
}

bool SetValue::Remove(std::string_view member) {
  if (!Edit(handle_)->Remove(member)) return false;
  handle_.MarkChanged();
  return true;
}

}  // namespace hearth::keyspace
