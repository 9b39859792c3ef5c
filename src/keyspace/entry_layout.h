// Making and freeing entries: the one place that knows how many bytes an entry takes. For Database and its
// parts only.
#pragma once

#include <cstdint>
#include <string_view>

#include "keyspace/entry.h"

namespace hearth::keyspace {

// Gives entries their bytes.
class EntryBuilder {
 public:
  // A string entry; `expiry_ms` < 0 for none. The encoding follows from the text, as in SET.
  static Entry* NewString(std::string_view key, std::string_view text, int64_t expiry_ms, uint32_t access);
  // A text with the given encoding and nothing inferred, for strings made in place.
  static Entry* NewText(std::string_view key, Text* text, int64_t expiry_ms, uint32_t access);
  static Entry* NewContainer(std::string_view key, Type type, Encoding encoding, void* container,
                             int64_t expiry_ms, uint32_t access);

  // The same value under another key or with an expiry added (>= 0) or removed (-1). Consumes `entry`: frees
  // its own bytes and moves the value.
  static Entry* Rebuild(Entry* entry, std::string_view key, int64_t expiry_ms);

  // A deep copy of the value under another key.
  static Entry* Copy(const Entry& entry, std::string_view key, int64_t expiry_ms);

  // Overwrites the text of a string entry where it stands, if the layout allows; false if nothing was done.
  static bool SetTextInPlace(Entry& entry, std::string_view text, int64_t expiry_ms);

  // Whether an inline text may become `size` bytes long where it stands.
  static bool HasInlineRoom(const Entry& entry, size_t size);

  // Frees the entry's own bytes, not what hangs on its word.
  static void FreeShell(Entry* entry);
  static size_t ShellBytes(const Entry& entry);

 private:
  static Entry* NewShell(std::string_view key, Type type, Encoding encoding, bool has_word,
                         size_t inline_bytes, int64_t expiry_ms, uint32_t access);
};

// What a text becomes when it is SET: an int, a short string or a long one.
Encoding EncodingOf(std::string_view text, int64_t* number);

}  // namespace hearth::keyspace
