// Moves blocks of memory for defragmentation. Containers hand it each of their blocks and put what it gives
// in the old one's place.
//
// Implemented by keyspace::Defragmenter; engine thread only.
#pragma once

namespace hearth::ds {

class BlockMover {
 public:
  // The block with its bytes in their new place, or as it is if it had better stay. The old one is gone.
  virtual void* MoveBlock(void* block) = 0;

  template <typename T>
  T* Moved(T* block) {
    return static_cast<T*>(MoveBlock(block));
  }

 protected:
  ~BlockMover() = default;
};

}  // namespace hearth::ds
