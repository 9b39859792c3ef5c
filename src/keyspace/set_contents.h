// What a set consists of, apart from any key: an intset while all members are integers and few, a listpack
// while they are few and short, else a MemberTable. Owns it; for SetValue, and for results that become a key
// when they are whole. Engine thread only.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "ds/listpack.h"
#include "keyspace/keyspace.h"
#include "keyspace/types.h"

namespace hearth::keyspace {

// A text or a number in a container, good until that changes.
using Element = ds::ListpackValue;

class SetContents {
 public:
  // An empty intset.
  explicit SetContents(Keyspace& keyspace);
  // Empty, of the encoding that will suit `first` and, with it, as many members as `size_hint`.
  SetContents(Keyspace& keyspace, std::string_view first, size_t size_hint);
  // Takes over what hangs on an entry.
  static SetContents Adopt(Keyspace& keyspace, Encoding encoding, void* container) {
    return SetContents(keyspace, encoding, container);
  }
  SetContents(SetContents&& other) noexcept
      : keyspace_(other.keyspace_),
        encoding_(other.encoding_),
        container_(std::exchange(other.container_, nullptr)) {}
  SetContents& operator=(SetContents&&) = delete;
  ~SetContents();

  Encoding encoding() const { return encoding_; }
  const void* container() const { return container_; }
  size_t Length() const;
  // Gives the container away.
  void* Release() { return std::exchange(container_, nullptr); }

  // Before several are added: leaves a small encoding now if so many would not fit there.
  void PrepareFor(size_t added);
  // False if the member was there already.
  bool Add(std::string_view member);
  bool Add(const Element& member);
  // False if it was not there.
  bool Remove(std::string_view member);

 private:
  SetContents(Keyspace& keyspace, Encoding encoding, void* container)
      : keyspace_(keyspace), encoding_(encoding), container_(container) {}

  bool AddNumber(int64_t number);
  bool AddTextToIntset(std::string_view member);
  bool AddToListpack(std::string_view member);
  bool IntsetFitsListpackWith(std::string_view member) const;
  void ConvertToTable();
  void ConvertToListpack();
  void FreeContainer();
  const settings::Settings& settings() const { return keyspace_.settings(); }

  Keyspace& keyspace_;
  Encoding encoding_;
  void* container_;
};

}  // namespace hearth::keyspace
