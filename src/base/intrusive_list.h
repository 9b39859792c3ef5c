// A doubly linked list whose links live in the elements: no allocation, O(1) unlinking by element.
// The list does not own its elements. Not thread-safe: one thread at a time, as its owner says.
#pragma once

#include <iterator>

#include "base/assert.h"

namespace hearth {

template <typename T, typename Tag>
class IntrusiveList;

// What an element derives from, once per list it can be in at the same time; Tag tells the lists apart.
// An element leaves its list when it is destroyed.
template <typename Tag = void>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { Unlink(); }

  bool IsLinked() const { return next_ != this; }

  // Takes the element out of the list it is in, if any.
  void Unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;

  void LinkBefore(ListHook* other) {
    HEARTH_ASSERT(!IsLinked());
    previous_ = other->previous_;
    next_ = other;
    previous_->next_ = this;
    other->previous_ = this;
  }

  ListHook* previous_ = this;
  ListHook* next_ = this;
};

template <typename T, typename Tag = void>
class IntrusiveList {
  using Hook = ListHook<Tag>;

 public:
  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;

    Iterator() = default;
    explicit Iterator(Hook* at) : at_(at) {}
    T& operator*() const { return *static_cast<T*>(at_); }
    T* operator->() const { return static_cast<T*>(at_); }
    Iterator& operator++() {
      at_ = Next(at_);
      return *this;
    }
    Iterator& operator--() {
      at_ = Previous(at_);
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    Hook* at_ = nullptr;
  };

  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() { Clear(); }

  bool IsEmpty() const { return !ends_.IsLinked(); }
  void PushFront(T& element) { static_cast<Hook&>(element).LinkBefore(ends_.next_); }
  void PushBack(T& element) { static_cast<Hook&>(element).LinkBefore(&ends_); }
  void InsertBefore(T& place, T& element) {
    static_cast<Hook&>(element).LinkBefore(&static_cast<Hook&>(place));
  }
  static void Unlink(T& element) { static_cast<Hook&>(element).Unlink(); }

  // The first or last element, or null.
  T* Front() { return IsEmpty() ? nullptr : static_cast<T*>(ends_.next_); }
  T* Back() { return IsEmpty() ? nullptr : static_cast<T*>(ends_.previous_); }

  // Unlinks and returns the first element, or null.
  T* PopFront() {
    T* front = Front();
    if (front != nullptr) Unlink(*front);
    return front;
  }

  // Unlinks all elements, without destroying them.
  void Clear() {
    while (PopFront() != nullptr) {
    }
  }

  // To unlink while iterating, step past the element first.
  Iterator begin() { return Iterator(ends_.next_); }
  Iterator end() { return Iterator(&ends_); }

 private:
  static Hook* Next(Hook* hook) { return hook->next_; }
  static Hook* Previous(Hook* hook) { return hook->previous_; }

  Hook ends_;
};

}  // namespace hearth
