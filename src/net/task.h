// Coroutines on an EventLoop, for links that talk in steps (handshakes, transfers). Not for clients'
// connections.
//
// A Task<T> is lazy: it runs when it is awaited, or when a TaskScope is given it. Cancelling is destroying: a
// scope that goes away destroys the frames of its unfinished tasks, and with them whatever they wait for;
// awaitables unregister themselves in their destructors. All on the loop's thread. No exceptions: errors are
// Result values.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/assert.h"
#include "net/event_loop.h"

namespace hearth::net {

namespace task_internal {

// Resumes whoever awaited the task that has just ended.
struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    return ended.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() const noexcept { HEARTH_ASSERT(!"an exception left a task"); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  std::coroutine_handle<Promise> get_return_object() {
    return std::coroutine_handle<Promise>::from_promise(*this);
  }
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T Take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  std::coroutine_handle<Promise> get_return_object() {
    return std::coroutine_handle<Promise>::from_promise(*this);
  }
  void return_void() const noexcept {}
  void Take() const noexcept {}
};

}  // namespace task_internal

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;

  Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}  // NOLINT: made by the promise
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Awaiting starts the task and yields its result.
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() { return handle_.promise().Take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

// Owns running tasks. Whoever the tasks work for has one as its last member, so that they never outlive it.
class TaskScope {
 public:
  TaskScope() = default;
  // Cancels what still runs. Not from inside one of the scope's own tasks: post it to the loop instead.
  ~TaskScope() { CancelAll(); }
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  // Runs the task up to its first wait, before this returns.
  void Start(Task<void> task) { RunRoot(*this, std::move(task)); }
  // As the destructor.
  void CancelAll() {
    while (!roots_.empty()) {
      const auto root = *roots_.begin();
      roots_.erase(roots_.begin());
      std::coroutine_handle<>::from_address(root).destroy();
    }
  }
  size_t running_count() const { return roots_.size(); }

 private:
  // The outermost frame of a started task: removes itself from the scope when the task ends.
  struct Root {
    struct promise_type {
      TaskScope* scope;
      promise_type(TaskScope& owner, Task<void>&) : scope(&owner) {
        scope->roots_.insert(std::coroutine_handle<promise_type>::from_promise(*this).address());
      }
      ~promise_type() {
        scope->roots_.erase(std::coroutine_handle<promise_type>::from_promise(*this).address());
      }
      Root get_return_object() const noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { HEARTH_ASSERT(!"an exception left a task"); }
    };
  };
  static Root RunRoot(TaskScope& scope, Task<void> task) {
    static_cast<void>(scope);
    co_await task;
  }

  std::unordered_set<void*> roots_;
};

// co_await Sleep(loop, micros).
class Sleep {
 public:
  Sleep(EventLoop& loop, int64_t micros) : loop_(&loop), micros_(micros) {}
  ~Sleep() { loop_->Cancel(timer_); }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    timer_ = loop_->After(micros_, [waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  EventLoop* loop_;
  int64_t micros_;
  TimerId timer_ = 0;
};

}  // namespace hearth::net
