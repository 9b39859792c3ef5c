#include "sentinel/name_lookup.h"

#include <utility>

#include "sentinel/core/address.h"

namespace hearth::sentinel {

NameLookup::NameLookup(net::EventLoop& loop, std::unique_ptr<env::NameResolver> resolver)
    : loop_(loop), resolver_(std::move(resolver)) {}

NameLookup::~NameLookup() = default;

void NameLookup::Lookup(std::string host, Callback on_done) {
  if (IsNumericHost(host)) {
    loop_.Post([alive = std::weak_ptr(alive_), host = std::move(host), on_done = std::move(on_done)] {
      if (!alive.expired()) on_done(host);
    });
    return;
  }
  if (!worker_.joinable()) worker_ = std::jthread([this](std::stop_token stop) { Work(stop); });
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back({std::move(host), std::move(on_done)});
  }
  has_questions_.notify_one();
}

void NameLookup::Work(std::stop_token stop) {
  while (true) {
    Question question;
    {
      std::unique_lock lock(mutex_);
      if (!has_questions_.wait(lock, stop, [this] { return !questions_.empty(); })) return;
      if (stop.stop_requested()) return;
      question = std::move(questions_.front());
      questions_.pop_front();
    }
    Answer(std::move(question));
  }
}

void NameLookup::Answer(Question question) {
  auto answer = std::make_shared<Result<std::string>>(resolver_->Resolve(question.host));
  loop_.PostFromOtherThread([alive = std::weak_ptr(alive_), answer, on_done = std::move(question.on_done)] {
    if (!alive.expired()) on_done(std::move(*answer));
  });
}

}  // namespace hearth::sentinel
