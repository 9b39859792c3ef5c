// Looks host names up without making the loop wait: one worker thread asks the system's resolver, a name at a
// time, and the answers come back on the loop's thread.
//
// Owned by the carrier; loop's thread only.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "env/net.h"
#include "net/event_loop.h"

namespace hearth::sentinel {

class NameLookup {
 public:
  using Callback = std::function<void(Result<std::string>)>;

  NameLookup(net::EventLoop& loop, std::unique_ptr<env::NameResolver> resolver);
  // Waits for the name that is being looked up; callbacks are not called any more.
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // Calls back later, never before this returns. An address in numbers needs no thread.
  void Lookup(std::string host, Callback on_done);

 private:
  struct Question {
    std::string host;
    Callback on_done;
  };

  void Work(std::stop_token stop);
  void Answer(Question question);

  net::EventLoop& loop_;
  const std::unique_ptr<env::NameResolver> resolver_;
  std::mutex mutex_;
  std::condition_variable_any has_questions_;
  std::deque<Question> questions_;  // under mutex_
  // Expires with this object.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::jthread worker_;  // made with the first question; the last member, so that it ends first
};

}  // namespace hearth::sentinel
