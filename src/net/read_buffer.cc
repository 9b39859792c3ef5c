#include "net/read_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"

namespace hearth::net {
namespace {

// From here on a value gets a buffer that ends where it ends.
constexpr size_t kLargeValueBytes = 32 * 1024;
constexpr size_t kFirstGrowthBytes = 64 * 1024;

}  // namespace

BlockPool::~BlockPool() {
  for (char* block : free_) std::free(block);
}

char* BlockPool::Acquire() {
  if (free_.empty()) {
    void* block = std::malloc(kBlockBytes);
    HEARTH_ASSERT(block != nullptr);
    return static_cast<char*>(block);
  }
  char* const block = free_.back();
  free_.pop_back();
  return block;
}

void BlockPool::Release(char* block) {
  if (free_.size() >= kMaxFreeBlocks) {
    std::free(block);
  } else {
    free_.push_back(block);
  }
}

ReadBuffer::~ReadBuffer() { std::free(data_); }

void ReadBuffer::MakeRoom(size_t awaited_size, BlockPool& pool) {
  if (room() > 0) return;
  if (data_ == nullptr) {
    data_ = pool.Acquire();
    capacity_ = BlockPool::kBlockBytes;
    return;
  }
  size_t capacity = std::max(2 * capacity_, kFirstGrowthBytes);
  if (awaited_size > std::max(kLargeValueBytes, size_)) capacity = std::min(capacity, awaited_size);
  Resize(capacity, pool);
}

void ReadBuffer::Append(std::string_view bytes, BlockPool& pool) {
  while (!bytes.empty()) {
    MakeRoom(size_ + bytes.size(), pool);
    const size_t part = std::min(room(), bytes.size());
    std::memcpy(end(), bytes.data(), part);
    Advance(part);
    bytes.remove_prefix(part);
  }
}

void ReadBuffer::DropFront(size_t size, BlockPool& pool) {
  HEARTH_ASSERT(size <= size_);
  const size_t left = size_ - size;
  if (left == 0) {
    Free(pool);
    return;
  }
  if (size == 0) return;
  std::memmove(data_, data_ + size, left);
  size_ = left;
  if (capacity_ > BlockPool::kBlockBytes && left <= BlockPool::kBlockBytes / 2) {
    Resize(BlockPool::kBlockBytes, pool);
  }
}

// Blocks of the pool's size are the pool's; all others come from the allocator.
void ReadBuffer::Resize(size_t capacity, BlockPool& pool) {
  HEARTH_ASSERT(capacity >= size_ && capacity != capacity_);
  if (capacity_ != BlockPool::kBlockBytes && capacity != BlockPool::kBlockBytes) {
    void* const moved = std::realloc(data_, capacity);
    HEARTH_ASSERT(moved != nullptr);
    data_ = static_cast<char*>(moved);
    capacity_ = capacity;
    return;
  }
  char* to = capacity == BlockPool::kBlockBytes ? pool.Acquire() : static_cast<char*>(std::malloc(capacity));
  HEARTH_ASSERT(to != nullptr);
  std::memcpy(to, data_, size_);
  const size_t size = size_;
  Free(pool);
  data_ = to;
  size_ = size;
  capacity_ = capacity;
}

void ReadBuffer::Free(BlockPool& pool) {
  if (capacity_ == BlockPool::kBlockBytes) {
    pool.Release(data_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  size_ = capacity_ = 0;
}

}  // namespace hearth::net
