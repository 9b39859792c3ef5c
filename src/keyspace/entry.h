// One key with its value: a single allocation for a small key (docs/formats/entry.md).
//
//   offset  size
//   0       8      header: type, encoding, flags, key size, access field, size of the inline value
//   8       8      expiry, Unix milliseconds               (if has_expiry)
//   +       8      word: an int64, or the value's pointer  (if has_word)
//   +       8      key size                                (if the key has 256 bytes or more)
//   +       n      key
//   +       m      value                                   (a string without word)
//
// A string is inline while the whole entry stays within kInlineBytes; a longer one hangs on the word as a
// Text. Containers hang on the word: a listpack's or intset's bytes themselves, or an object, as the encoding
// says.
//
// Entries are made, changed and freed by Database alone; everybody else reads. Engine thread only, but for
// the free worker, which gets entries that nothing refers to any more.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "base/hash.h"
#include "keyspace/types.h"

namespace hearth::keyspace {

// A key with its hash, which the parser has usually computed already.
struct Key {
  std::string_view text;
  uint64_t hash;

  explicit Key(std::string_view key) : text(key), hash(Hash(key)) {}
  Key(std::string_view key, uint64_t key_hash) : text(key), hash(key_hash) {}
};

// A string too large to be inline: one allocation with room to grow.
struct Text {
  size_t size;
  size_t capacity;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view view() const { return {data(), size}; }

  // `capacity` is a minimum; what the allocator rounds it up to is used too.
  static Text* New(size_t size, size_t capacity);
  // Grows or shrinks to `size` bytes; grows by doubling up to 1 MB steps if `generous`. New bytes are zero.
  static Text* Resize(Text* text, size_t size, bool generous);
  static void Free(Text* text);
};

class Entry {
 public:
  static constexpr size_t kInlineBytes = 512;
  static constexpr uint32_t kAccessMask = 0xffffff;

  Type type() const { return static_cast<Type>(type_); }
  Encoding encoding() const { return static_cast<Encoding>(encoding_); }
  bool has_expiry() const { return flags_ & kHasExpiry; }
  // Unix milliseconds; -1 for none.
  int64_t expiry_ms() const { return has_expiry() ? LoadWord(8) : -1; }

  // Fields of this hash expire: it stands in the database's index of such hashes.
  bool has_field_expiry() const { return flags_ & kHasFieldExpiry; }
  // It, or a part of it, may have to go by now.
  bool may_expire() const { return flags_ & (kHasExpiry | kHasFieldExpiry); }

  std::string_view key() const { return {Bytes() + KeyOffset(), key_size()}; }
  size_t key_size() const {
    return flags_ & kLongKey ? static_cast<size_t>(LoadWord(WordOffset() + (has_word() ? 8 : 0))) : key_size_;
  }

  // Strings.
  bool is_int() const { return encoding() == Encoding::kInt; }
  int64_t int_value() const { return LoadWord(WordOffset()); }
  // The text of a string that is not an int. Valid until the entry changes.
  std::string_view text() const {
    if (has_word()) return text_word()->view();
    return {Bytes() + KeyOffset() + key_size(), value_size_};
  }
  bool is_inline() const { return !has_word(); }

  // Containers: what hangs on the word.
  const void* container() const { return reinterpret_cast<const void*>(LoadWord(WordOffset())); }

  // 24 bits for eviction: seconds of the last access (LRU) or decay time and counter (LFU); see eviction.h.
  uint32_t access() const { return access_[0] | access_[1] << 8 | static_cast<uint32_t>(access_[2]) << 16; }
  void set_access(uint32_t value) const {
    access_[0] = static_cast<uint8_t>(value);
    access_[1] = static_cast<uint8_t>(value >> 8);
    access_[2] = static_cast<uint8_t>(value >> 16);
  }

 private:
  friend class Database;
  friend class WriteHandle;
  friend class StringValue;
  friend class EntryBuilder;
  friend class Defragmenter;
  friend void FreeEntry(Entry* entry);

  static constexpr uint8_t kHasExpiry = 1;
  static constexpr uint8_t kHasWord = 2;
  static constexpr uint8_t kLongKey = 4;
  static constexpr uint8_t kHasFieldExpiry = 8;

  bool has_word() const { return flags_ & kHasWord; }
  size_t WordOffset() const { return has_expiry() ? 16 : 8; }
  size_t KeyOffset() const { return WordOffset() + (has_word() ? 8 : 0) + (flags_ & kLongKey ? 8 : 0); }
  const char* Bytes() const { return reinterpret_cast<const char*>(this); }
  char* Bytes() { return reinterpret_cast<char*>(this); }
  int64_t LoadWord(size_t offset) const {
    int64_t word;
    std::memcpy(&word, Bytes() + offset, 8);
    return word;
  }
  void StoreWord(size_t offset, int64_t word) { std::memcpy(Bytes() + offset, &word, 8); }
  void set_has_field_expiry(bool on) {
    flags_ = static_cast<uint8_t>(on ? flags_ | kHasFieldExpiry : flags_ & ~kHasFieldExpiry);
  }
  void set_expiry_ms(int64_t at_ms) { StoreWord(8, at_ms); }
  void set_container(const void* pointer) { StoreWord(WordOffset(), reinterpret_cast<int64_t>(pointer)); }
  void set_encoding(Encoding encoding) { encoding_ = static_cast<uint8_t>(encoding); }
  Text* text_word() const { return reinterpret_cast<Text*>(LoadWord(WordOffset())); }
  char* inline_text() { return Bytes() + KeyOffset() + key_size(); }

  uint8_t type_ : 4;
  uint8_t encoding_ : 4;
  uint8_t flags_;
  uint8_t key_size_;
  mutable uint8_t access_[3];
  uint16_t value_size_;
};
static_assert(sizeof(Entry) == 8);

struct EntryTraits {
  using Item = Entry;
  static std::string_view KeyOf(const Entry* entry) { return entry->key(); }
  static uint64_t HashOf(const Entry* entry) { return Hash(entry->key()); }
};

// Bytes that the allocator holds for the entry itself, without what hangs on its word.
size_t EntryBytes(const Entry& entry);

// How many allocations a free of the entry's value takes, about: above a small bound it is the free worker's
// work.
size_t FreeEffort(const Entry& entry);

// Frees the entry and its value. Any thread, once nothing refers to the entry.
void FreeEntry(Entry* entry);

}  // namespace hearth::keyspace
