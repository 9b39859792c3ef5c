// A listpack: a sequence of short strings and integers packed into one block of memory, byte for byte what
// Redis 7 keeps and RDB stores. Small hashes, lists, sets and sorted sets are listpacks, and the nodes of
// larger lists and streams.
//
//   header: total bytes u32 LE | element count u16 LE (65535: not known, count by walking)
//   entry:  encoding and data | length of that, 1 to 5 bytes, to be read backwards
//   end:    0xff
//
// A position is the byte offset of an entry; 0 (kNone) is no entry. Any change to a listpack invalidates the
// positions and views taken before it, except the position that the changing call returns.
//
// Reading trusts the bytes: foreign ones must have passed ValidateListpack with `deep` first.
// Format: docs/formats/listpack.md. Owned by keyspace values and list nodes; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace hearth::ds {

// Room for an integer in text form.
struct NumberBuffer {
  char bytes[20];
};

// One element: text that points into the listpack, or a number.
struct ListpackValue {
  std::string_view text;  // empty data when is_number
  int64_t number = 0;
  bool is_number = false;

  // The element as text, written to `buffer` if it is a number.
  std::string_view View(NumberBuffer& buffer) const;
  std::string ToString() const;
};

// Reads a listpack that somebody else owns.
class ListpackView {
 public:
  using Position = size_t;
  static constexpr Position kNone = 0;

  explicit ListpackView(const uint8_t* bytes) : bytes_(bytes) {}

  const uint8_t* bytes() const { return bytes_; }
  size_t TotalBytes() const;
  std::string_view Raw() const { return {reinterpret_cast<const char*>(bytes_), TotalBytes()}; }
  // O(1) up to 65534 elements, a walk above.
  size_t Length() const;
  bool IsEmpty() const { return First() == kNone; }

  Position First() const;
  Position Last() const;
  Position Next(Position position) const;
  Position Previous(Position position) const;
  // The element at `index`; negative ones count from the end, -1 being the last. Walks from the nearer end.
  Position Seek(int64_t index) const;

  ListpackValue Get(Position position) const;
  // The bytes of the whole entry.
  size_t EntryBytesAt(Position position) const;
  bool Equals(Position position, std::string_view text) const;

  // The first element equal to `text` among `from`, and then every (skip + 1)th behind it; kNone if none is.
  // Fields of a hash: Find(field, First(), 1).
  Position Find(std::string_view text, Position from, size_t skip) const;

 private:
  const uint8_t* bytes_;
};

// Owns a listpack in one malloc'ed block. Movable; moved-from and released ones may only be destroyed or
// assigned to. The texts given to the changing calls must not point into this listpack.
class Listpack {
 public:
  using Position = ListpackView::Position;
  static constexpr Position kNone = ListpackView::kNone;
  static constexpr size_t kEmptyBytes = 7;
  // The largest total that an owner should let a listpack grow to; asserted.
  static constexpr size_t kMaxBytes = size_t{1} << 30;

  // Empty, in a block with room for `reserve_bytes`.
  explicit Listpack(size_t reserve_bytes = kEmptyBytes);

  // Takes over a block from Release(), or any malloc'ed valid listpack.
  static Listpack Adopt(uint8_t* bytes) { return Listpack(Block(bytes)); }
  // A copy of valid listpack bytes.
  static Listpack Copy(std::string_view raw);
  // Gives the block away; free() or Adopt() it.
  uint8_t* Release() { return block_.release(); }

  ListpackView View() const { return ListpackView(block_.get()); }
  const uint8_t* bytes() const { return block_.get(); }
  size_t TotalBytes() const { return View().TotalBytes(); }
  size_t Length() const { return View().Length(); }
  // What the block takes from the allocator.
  size_t MemoryBytes() const;

  // The bytes that an element takes, for judging limits before adding it.
  static size_t EntryBytes(std::string_view text);
  static size_t EntryBytes(int64_t number);

  // Text that is an integer in canonical form is stored as a number. Each returns the new element's position.
  Position Append(std::string_view text);
  Position Append(int64_t number);
  Position Prepend(std::string_view text);
  Position Prepend(int64_t number);
  Position InsertBefore(Position position, std::string_view text);
  Position InsertBefore(Position position, int64_t number);
  Position InsertAfter(Position position, std::string_view text);
  Position InsertAfter(Position position, int64_t number);
  Position Replace(Position position, std::string_view text);
  Position Replace(Position position, int64_t number);

  // Removes `count` elements from `position` on, or as many as there are; returns the position of the element
  // that followed them, or kNone.
  Position Delete(Position position, size_t count = 1);
  // Removes up to `count` elements from index `start` on (negative: from the end). Returns how many.
  size_t DeleteRange(int64_t start, size_t count);

  // Adds all elements of another listpack at the end or at the front.
  void AppendAll(ListpackView other);
  void PrependAll(ListpackView other);
  // Moves the elements from `position` on to a new listpack.
  Listpack SplitOff(Position position);
  void Clear();

  // Gives back what the block has to spare, to the allocator's next size class.
  void Shrink();

 private:
  struct Free {
    void operator()(uint8_t* block) const;
  };
  using Block = std::unique_ptr<uint8_t, Free>;
  struct Encoded;

  explicit Listpack(Block block) : block_(std::move(block)) {}
  Position Put(Position at, size_t replaced_bytes, const Encoded& entry);
  uint8_t* OpenGap(Position at, size_t old_bytes, size_t new_bytes);
  void AddToCount(int64_t change, ListpackView added);
  Position PositionAfter(Position position) const;
  Position EndPosition() const;

  Block block_;
};

// Called for each element of a listpack being validated, in order; returning false refuses the listpack.
using ListpackCheck = std::function<bool(const ListpackValue&)>;

// True if `raw` is a well-formed listpack: without `deep` its header and end alone, with it every entry, in
// both directions. Safe on arbitrary bytes. `check` is called only with `deep`; it may be null.
bool ValidateListpack(std::string_view raw, bool deep, const ListpackCheck& check = nullptr);

}  // namespace hearth::ds
