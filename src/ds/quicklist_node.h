// One node of a quicklist: a listpack of elements, or one large element by itself ("plain"); either may be
// compressed with LZF. Owned by its Quicklist; see quicklist.h. Readers outside it (snapshots, encoders) may
// look at every field on the engine thread. docs/formats/quicklist.md has pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ds/listpack.h"

namespace hearth::ds {

struct QuicklistNode {
  QuicklistNode* previous = nullptr;
  QuicklistNode* next = nullptr;
  uint8_t* data = nullptr;      // malloc'ed: listpack, plain element, or either of them compressed
  size_t size = 0;              // bytes of the listpack or the element, uncompressed
  size_t compressed_bytes = 0;  // bytes of `data` if compressed, else 0
  uint32_t count = 0;           // elements
  bool is_plain = false;
  uint8_t cut_bits = 0;  // see cut_state.h

  // A node around a listpack, or around a copy of a large element.
  static QuicklistNode* New(Listpack listpack);
  static QuicklistNode* NewPlain(std::string_view element);
  // An unlinked copy, compressed if the original is.
  QuicklistNode* Clone() const;
  // Frees the node and what it holds.
  static void Delete(QuicklistNode* node);

  bool IsCompressed() const { return compressed_bytes != 0; }
  size_t StoredBytes() const { return IsCompressed() ? compressed_bytes : size; }
  // The bytes as they are stored, compressed or not.
  std::string_view Stored() const { return {reinterpret_cast<const char*>(data), StoredBytes()}; }
  // For a node that is not compressed and not plain.
  ListpackView View() const { return ListpackView(data); }

  // Compresses if that saves enough; else leaves the node as it is.
  void Compress();
  void Decompress();
  // Writes the uncompressed bytes, `size` of them, to `to`.
  void CopyUncompressed(uint8_t* to) const;
};

}  // namespace hearth::ds
