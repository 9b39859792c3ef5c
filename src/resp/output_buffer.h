// Bytes on their way to a socket: a chain of chunks. Small replies share 16 KB chunks from the thread's
// ChunkPool; a reply larger than that gets one chunk of exactly its size; bytes that somebody else keeps
// (the write log) are referred to and not copied. An empty buffer holds no memory.
//
// A buffer and its pool belong to one thread at a time; whole chains move between threads by TakeAll, after
// which their chunks go back to the pool of the buffer that they ended up in.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace hearth::resp {

struct Chunk {
  Chunk* next;
  size_t begin;     // first byte not yet consumed
  size_t end;       // for every chunk but the one being appended to: first unused byte
  size_t capacity;  // 0 if the bytes are somebody else's
  char* bytes;
  char* data() { return bytes; }
  bool is_shared() const { return capacity == 0; }
};

// Bytes that `owner` keeps alive.
struct SharedChunk : Chunk {
  std::shared_ptr<const void> owner;
};

// Free chunks of one thread, for reuse.
class ChunkPool {
 public:
  static constexpr size_t kAllocationBytes = 16 * 1024;
  static constexpr size_t kChunkCapacity = kAllocationBytes - sizeof(Chunk);
  static constexpr size_t kMaxFreeChunks = 256;

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  Chunk* Acquire() {
    if (free_ == nullptr) return Allocate(kChunkCapacity);
    Chunk* chunk = free_;
    free_ = chunk->next;
    --free_count_;
    chunk->next = nullptr;
    return chunk;
  }
  // A chunk of exactly `capacity` bytes, for one large reply.
  Chunk* AcquireLarge(size_t capacity) { return Allocate(capacity); }
  void Release(Chunk* chunk);

  size_t free_count() const { return free_count_; }

  // All free chunks, linked by `next`, for the pool of the thread that fills them: a pool that only ever gets
  // chunks back is of no use to its own thread.
  Chunk* TakeFree() {
    free_count_ = 0;
    return std::exchange(free_, nullptr);
  }
  void Adopt(Chunk* chunks);

 private:
  Chunk* Allocate(size_t capacity);

  Chunk* free_ = nullptr;
  size_t free_count_ = 0;
};

class OutputBuffer {
 public:
  explicit OutputBuffer(ChunkPool& pool) : pool_(&pool) {}
  ~OutputBuffer() { Clear(); }
  OutputBuffer(OutputBuffer&& other) noexcept : pool_(other.pool_) { TakeAll(other); }
  OutputBuffer& operator=(OutputBuffer&&) = delete;

  bool empty() const { return size_bytes() == 0; }
  size_t size_bytes() const { return sealed_bytes_ + static_cast<size_t>(cursor_ - tail_begin_); }
  // What the chain costs, free room in its chunks included.
  size_t memory_bytes() const { return memory_bytes_; }

  void Append(std::string_view bytes) {
    if (static_cast<size_t>(limit_ - cursor_) >= bytes.size()) [[likely]] {
      if (!bytes.empty()) std::memcpy(cursor_, bytes.data(), bytes.size());
      cursor_ += bytes.size();
    } else {
      AppendSlow(bytes);
    }
  }

  // Refers to `bytes`, which never change and live as long as `owner`: they go out from where they stand. The
  // last hold of the owner may be given up on another thread. Worth it from a few kilobytes on.
  void AppendShared(std::string_view bytes, std::shared_ptr<const void> owner);

  // At least `size` contiguous bytes to write to (size <= kMaxReserve); then Advance by what was written.
  static constexpr size_t kMaxReserve = 4096;
  char* Reserve(size_t size) {
    if (static_cast<size_t>(limit_ - cursor_) < size) [[unlikely]]
      StartChunk(size);
    return cursor_;
  }
  void Advance(size_t size) { cursor_ += size; }
  // Contiguous room left in the current chunk.
  size_t room() const { return static_cast<size_t>(limit_ - cursor_); }

  // A gap whose final contents are not known yet: `size` bytes that CloseGap replaces by at most as many.
  // Gaps must be closed innermost (last opened) first and before the buffer is consumed or taken.
  struct Gap {
    Chunk* chunk;
    size_t offset;
    size_t size;
  };
  Gap OpenGap(size_t size);
  void CloseGap(const Gap& gap, std::string_view contents);

  // The first bytes as at most `max` pieces; returns the number of pieces.
  int FillIov(iovec* to, int max);
  // Drops the first `size` bytes.
  void Consume(size_t size);

  // Appends everything in `other`, which becomes empty.
  void TakeAll(OutputBuffer& other);
  void Clear();

  // The chain without its pool, for handing it to another thread: Detach empties the buffer, Attach appends.
  // Chunks are moved; a small chain is copied into the free room of this buffer's last chunk instead, so that
  // many small pieces that wait for a slow reader do not pin many chunks.
  struct Chain {
    Chunk* head = nullptr;
    Chunk* tail = nullptr;
    size_t size_bytes = 0;
    size_t memory_bytes = 0;
  };
  Chain Detach();
  void Attach(const Chain& chain);

  // Where emptied chunks go from now on; for a buffer that moves to another thread.
  void set_pool(ChunkPool& pool) { pool_ = &pool; }

 private:
  void AppendSlow(std::string_view bytes);
  void StartChunk(size_t min_capacity);
  void AddChunk(Chunk* chunk);
  void SealTail();
  void OpenTail();
  void Forget();

  ChunkPool* pool_;
  char* cursor_ = nullptr;      // where the next byte goes, in tail_
  char* limit_ = nullptr;       // end of tail_'s room
  char* tail_begin_ = nullptr;  // first unconsumed byte of tail_
  size_t sealed_bytes_ = 0;     // in all chunks before tail_
  size_t memory_bytes_ = 0;
  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
};

}  // namespace hearth::resp
