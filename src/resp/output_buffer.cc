#include "resp/output_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/assert.h"

namespace hearth::resp {
namespace {

// Below this a chain is copied rather than linked, when the room is there.
constexpr size_t kCopyLimit = 1024;

}  // namespace

ChunkPool::~ChunkPool() {
  while (free_ != nullptr) {
    Chunk* next = free_->next;
    std::free(free_);
    free_ = next;
  }
}

Chunk* ChunkPool::Allocate(size_t capacity) {
  void* block = std::malloc(sizeof(Chunk) + capacity);
  HEARTH_ASSERT(block != nullptr);
  auto* const chunk = new (block) Chunk{nullptr, 0, 0, capacity, nullptr};
  chunk->bytes = reinterpret_cast<char*>(chunk + 1);
  return chunk;
}

void ChunkPool::Release(Chunk* chunk) {
  if (chunk->is_shared()) {
    const std::unique_ptr<SharedChunk> shared(static_cast<SharedChunk*>(chunk));
    return;
  }
  if (chunk->capacity != kChunkCapacity || free_count_ >= kMaxFreeChunks) {
    std::free(chunk);
    return;
  }
  chunk->begin = chunk->end = 0;
  chunk->next = free_;
  free_ = chunk;
  ++free_count_;
}

void ChunkPool::Adopt(Chunk* chunks) {
  while (chunks != nullptr) {
    Chunk* next = chunks->next;
    Release(chunks);
    chunks = next;
  }
}

// Writes the cursor's position into the tail, so that every chunk's `end` is true.
void OutputBuffer::SealTail() {
  if (tail_ != nullptr) tail_->end = static_cast<size_t>(cursor_ - tail_->data());
}

// The reverse: continues at the tail's end.
void OutputBuffer::OpenTail() {
  tail_begin_ = tail_->data() + tail_->begin;
  cursor_ = tail_->data() + tail_->end;
  // Nobody writes behind what is only referred to.
  limit_ = tail_->is_shared() ? cursor_ : tail_->data() + tail_->capacity;
}

void OutputBuffer::Forget() {
  cursor_ = limit_ = tail_begin_ = nullptr;
  sealed_bytes_ = memory_bytes_ = 0;
  head_ = tail_ = nullptr;
}

void OutputBuffer::AddChunk(Chunk* chunk) {
  memory_bytes_ += sizeof(Chunk) + chunk->capacity;
  if (tail_ == nullptr) {
    head_ = chunk;
  } else {
    SealTail();
    sealed_bytes_ += tail_->end - tail_->begin;
    tail_->next = chunk;
  }
  tail_ = chunk;
  OpenTail();
}

void OutputBuffer::StartChunk(size_t min_capacity) {
  HEARTH_ASSERT(min_capacity <= kMaxReserve);
  AddChunk(pool_->Acquire());
}

void OutputBuffer::AppendSlow(std::string_view bytes) {
  const size_t now = std::min(bytes.size(), room());
  if (now > 0) {
    std::memcpy(cursor_, bytes.data(), now);
    cursor_ += now;
    bytes.remove_prefix(now);
  }
  if (bytes.empty()) return;
  AddChunk(bytes.size() > ChunkPool::kChunkCapacity ? pool_->AcquireLarge(bytes.size()) : pool_->Acquire());
  std::memcpy(cursor_, bytes.data(), bytes.size());
  cursor_ += bytes.size();
}

void OutputBuffer::AppendShared(std::string_view bytes, std::shared_ptr<const void> owner) {
  if (bytes.empty()) return;
  auto chunk = std::make_unique<SharedChunk>();
  chunk->next = nullptr;
  chunk->begin = 0;
  chunk->end = bytes.size();
  chunk->capacity = 0;
  // Only ever read: there is no room behind the bytes.
  chunk->bytes = const_cast<char*>(bytes.data());
  chunk->owner = std::move(owner);
  AddChunk(chunk.release());
}

OutputBuffer::Gap OutputBuffer::OpenGap(size_t size) {
  char* const start = Reserve(size);
  Advance(size);
  return {tail_, static_cast<size_t>(start - tail_->data()), size};
}

// The bytes behind the gap, at most one chunk's, move up to what was really needed. Later chunks stay where
// they are: a chunk in the middle of the chain need not be full.
void OutputBuffer::CloseGap(const Gap& gap, std::string_view contents) {
  HEARTH_ASSERT(contents.size() <= gap.size);
  if (gap.chunk == tail_) SealTail();
  char* const to = gap.chunk->data() + gap.offset;
  const char* const behind = to + gap.size;
  std::memcpy(to, contents.data(), contents.size());
  std::memmove(to + contents.size(), behind,
               static_cast<size_t>(gap.chunk->data() + gap.chunk->end - behind));
  const size_t slack = gap.size - contents.size();
  gap.chunk->end -= slack;
  if (gap.chunk == tail_) {
    cursor_ -= slack;
  } else {
    sealed_bytes_ -= slack;
  }
}

int OutputBuffer::FillIov(iovec* to, int max) {
  SealTail();
  int count = 0;
  for (Chunk* chunk = head_; chunk != nullptr && count < max; chunk = chunk->next) {
    if (chunk->end == chunk->begin) continue;
    to[count++] = {chunk->data() + chunk->begin, chunk->end - chunk->begin};
  }
  return count;
}

void OutputBuffer::Consume(size_t size) {
  HEARTH_ASSERT(size <= size_bytes());
  if (size == size_bytes()) {
    Clear();
    return;
  }
  SealTail();
  while (size > 0) {
    Chunk* const chunk = head_;
    const size_t here = chunk->end - chunk->begin;
    if (size < here || chunk == tail_) {
      chunk->begin += size;
      if (chunk == tail_) {
        tail_begin_ += size;
      } else {
        sealed_bytes_ -= size;
      }
      return;
    }
    size -= here;
    sealed_bytes_ -= here;
    memory_bytes_ -= sizeof(Chunk) + chunk->capacity;
    head_ = chunk->next;
    pool_->Release(chunk);
  }
}

OutputBuffer::Chain OutputBuffer::Detach() {
  SealTail();
  const Chain chain{head_, tail_, size_bytes(), memory_bytes_};
  Forget();
  return chain;
}

void OutputBuffer::Attach(const Chain& chain) {
  if (chain.head == nullptr) return;
  if (chain.size_bytes <= kCopyLimit && chain.size_bytes <= room()) {
    for (Chunk* chunk = chain.head; chunk != nullptr;) {
      Chunk* const next = chunk->next;
      Append({chunk->data() + chunk->begin, chunk->end - chunk->begin});
      pool_->Release(chunk);
      chunk = next;
    }
    return;
  }
  if (tail_ == nullptr) {
    head_ = chain.head;
  } else {
    SealTail();
    sealed_bytes_ += tail_->end - tail_->begin;
    tail_->next = chain.head;
  }
  tail_ = chain.tail;
  sealed_bytes_ += chain.size_bytes - (chain.tail->end - chain.tail->begin);
  memory_bytes_ += chain.memory_bytes;
  OpenTail();
}

void OutputBuffer::TakeAll(OutputBuffer& other) { Attach(other.Detach()); }

void OutputBuffer::Clear() {
  for (Chunk* chunk = head_; chunk != nullptr;) {
    Chunk* const next = chunk->next;
    pool_->Release(chunk);
    chunk = next;
  }
  Forget();
}

}  // namespace hearth::resp
