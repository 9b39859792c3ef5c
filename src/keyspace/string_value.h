// Strings: any string entry as text, and one changed in place.
//
// A string that was changed in place is raw, whatever its size: clients see that in OBJECT ENCODING. It stays
// inline in its entry while it fits there, and hangs on the entry as a Text with room to grow otherwise.
//
// Engine thread only. A StringValue lives no longer than its handle.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/numbers.h"
#include "keyspace/database.h"

namespace hearth::keyspace {

// Room for the text of an int.
struct IntDigits {
  char bytes[20];

  std::string_view Format(int64_t value) { return {bytes, static_cast<size_t>(FormatInt64(value, bytes))}; }
};

// The text of a string entry; that of an int is written to `digits`. Valid until either changes.
inline std::string_view StringText(const Entry& entry, IntDigits& digits) {
  return entry.is_int() ? digits.Format(entry.int_value()) : entry.text();
}

inline size_t StringLength(const Entry& entry) {
  IntDigits digits;
  return StringText(entry, digits).size();
}

// The string as an integer in canonical form, if it is one.
inline std::optional<int64_t> StringInteger(const Entry& entry) {
  return entry.is_int() ? entry.int_value() : ParseInt64(entry.text());
}

class StringValue {
 public:
  // `handle` holds a string.
  explicit StringValue(WriteHandle& handle) : handle_(handle) {}

  // Makes the string `size` bytes long, new bytes zero, and gives its bytes, to be written before any other
  // call. Counts as a change.
  char* Resize(size_t size);

  // The same, but what is changed is up to the caller, who counts it by the handle's MarkChanged. With the
  // size that the string has, this only makes it raw, as commands on bits do even when they change nothing.
  char* Reshape(size_t size);

  void Append(std::string_view text);
  // Writes `text` at `offset`, filling a gap before it with zeros. Returns the new length.
  size_t Overwrite(size_t offset, std::string_view text);

  // The string must be an int already.
  void SetInteger(int64_t value);

  // A whole new text that stays text even if it reads like an integer, as the results of INCRBYFLOAT do.
  void SetText(std::string_view text);

  // A new empty string under a key that is not there, with room for `size` bytes, to be filled through the
  // handle.
  static WriteHandle Create(Database& database, const Key& key, size_t size) {
    return database.Create(key, Type::kString, Encoding::kRaw, Text::New(0, size));
  }

 private:
  // Takes the text out of the entry into a Text of its own that has room for `size` bytes.
  void MoveToText(size_t size);

  WriteHandle& handle_;
};

}  // namespace hearth::keyspace
