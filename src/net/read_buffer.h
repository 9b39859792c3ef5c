// The bytes received on one connection and not yet consumed, contiguous. Empty buffers hold no memory: blocks
// of 16 KB come from the thread's BlockPool and go back; larger ones are allocated while a large request is
// arriving.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::net {

class BlockPool {
 public:
  static constexpr size_t kBlockBytes = 16 * 1024;
  static constexpr size_t kMaxFreeBlocks = 256;

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  char* Acquire();
  void Release(char* block);

 private:
  std::vector<char*> free_;
};

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ~ReadBuffer();
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  char* data() { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  size_t room() const { return capacity_ - size_; }
  char* end() { return data_ + size_; }
  void Advance(size_t size) { size_ += size; }
  // What was read elsewhere.
  void Append(std::string_view bytes, BlockPool& pool);

  // Makes room to read into. `awaited_size` is the size at which the value now arriving is complete (0 =
  // unknown): growth doubles what has really arrived and stops at exactly that size. May move the buffer.
  void MakeRoom(size_t awaited_size, BlockPool& pool);
  // Removes the first `size` bytes; gives the memory back when nothing is left. May move the rest.
  void DropFront(size_t size, BlockPool& pool);

 private:
  void Resize(size_t capacity, BlockPool& pool);
  void Free(BlockPool& pool);

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace hearth::net
