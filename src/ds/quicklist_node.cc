#include "ds/quicklist_node.h"

#include <liblzf/lzf.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "base/assert.h"
#include "base/memory.h"
#include "ds/lzf.h"

namespace hearth::ds {
namespace {

// Smaller nodes are not worth the time, nor are smaller savings.
constexpr size_t kMinBytesToCompress = 48;
constexpr size_t kMinBytesSaved = 8;

uint8_t* Allocate(size_t size) {
  auto* block = static_cast<uint8_t*>(std::malloc(GoodAllocationSize(size == 0 ? 1 : size)));
  HEARTH_ASSERT(block != nullptr);
  return block;
}

uint8_t* Duplicate(const void* bytes, size_t size) {
  uint8_t* copy = Allocate(size);
  if (size > 0) std::memcpy(copy, bytes, size);
  return copy;
}

}  // namespace

QuicklistNode* QuicklistNode::New(Listpack listpack) {
  QuicklistNode* node = std::make_unique<QuicklistNode>().release();
  node->size = listpack.TotalBytes();
  node->count = static_cast<uint32_t>(listpack.Length());
  node->data = listpack.Release();
  return node;
}

QuicklistNode* QuicklistNode::NewPlain(std::string_view element) {
  QuicklistNode* node = std::make_unique<QuicklistNode>().release();
  node->size = element.size();
  node->count = 1;
  node->is_plain = true;
  node->data = Duplicate(element.data(), element.size());
  return node;
}

QuicklistNode* QuicklistNode::Clone() const {
  QuicklistNode* node = std::make_unique<QuicklistNode>(*this).release();
  node->previous = node->next = nullptr;
  node->data = Duplicate(data, StoredBytes());
  return node;
}

void QuicklistNode::Delete(QuicklistNode* node) {
  const std::unique_ptr<QuicklistNode> owned(node);
  std::free(owned->data);
}

void QuicklistNode::Compress() {
  if (IsCompressed() || size < kMinBytesToCompress || size > std::numeric_limits<unsigned>::max()) return;
  // Room for no more than a sufficient saving makes the compressor give up by itself.
  const size_t room = size - kMinBytesSaved;
  uint8_t* scratch = Allocate(room);
  const unsigned bytes =
      lzf_compress(data, static_cast<unsigned>(size), scratch, static_cast<unsigned>(room));
  if (bytes == 0) {
    std::free(scratch);
    return;
  }
  std::free(data);
  data = Duplicate(scratch, bytes);
  std::free(scratch);
  compressed_bytes = bytes;
}

void QuicklistNode::Decompress() {
  if (!IsCompressed()) return;
  uint8_t* whole = Allocate(size);
  CopyUncompressed(whole);
  std::free(data);
  data = whole;
  compressed_bytes = 0;
}

void QuicklistNode::CopyUncompressed(uint8_t* to) const {
  if (!IsCompressed()) {
    std::memcpy(to, data, size);
    return;
  }
  const std::string_view packed(reinterpret_cast<const char*>(data), compressed_bytes);
  const bool is_whole = UnpackLzf(packed, reinterpret_cast<char*>(to), size, size);
  HEARTH_ASSERT(is_whole);
}

}  // namespace hearth::ds
