// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/drpc_server.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/spelling.h"
#include "coordinator/serve/drpc_function.h"

namespace trident {
namespace {

// Where the caller of Call() waits. Shared, because the answer may come after its deadline.
struct Waiter {
  Mutex mutex;
  CondVar answered;
  std::optional<DrpcResult> result TRIDENT_GUARDED_BY(mutex);

  void Answer(DrpcResult r) {
    MutexLock lock(mutex);
    result = std::move(r);
    answered.NotifyOne();
  }
  // nullopt when `deadline` passed first.
  std::optional<DrpcResult> WaitUntil(Nanos deadline, const Clock& clock) {
    MutexLock lock(mutex);
    while (!result) {
      const Nanos left = deadline - clock.MonotonicNanos();
      if (left <= 0) return std::nullopt;
      // In slices, because a deadline may be farther away than the system's clock can add.
      answered.WaitFor(mutex, std::min(left, 60 * kSecond));
    }
    return std::move(result);
  }
};

Status CheckArgs(std::string_view function, std::string_view args) {
  if (static_cast<int64_t>(args.size()) <= kDrpcArgumentBytesMax) return {};
  return InvalidArgument("the arguments of DRPC function '", function, "' have ", args.size(),
                         " bytes, at most ", kDrpcArgumentBytesMax,
                         " are taken; pass large data through a state");
}

}  // namespace

DrpcTicket::DrpcTicket(std::shared_ptr<DrpcFunction> function, std::shared_ptr<DrpcPending> pending)
    : function_(std::move(function)), pending_(std::move(pending)) {}

void DrpcTicket::Cancel() {
  if (function_ != nullptr) function_->Cancel(pending_);
}

DrpcServer::DrpcServer(const Clock& clock, DrpcOptions options)
    : clock_(clock), options_(options) {}

DrpcServer::~DrpcServer() { Shutdown(); }

Status DrpcServer::Register(std::string function, std::unique_ptr<RequestHandler> handler) {
  if (function.empty() || static_cast<int64_t>(function.size()) > kFieldNameBytesMax) {
    return InvalidArgument("the name of a DRPC function has 1 to ", kFieldNameBytesMax,
                           " bytes, found ", function.size());
  }
  MutexLock lock(mutex_);
  if (stopped_) return FailedPrecondition("the DRPC server is stopping; it takes no function");
  if (functions_.count(function) > 0) {
    return AlreadyExists("there are two DRPC functions of the name '", function,
                         "'; give one another name");
  }
  auto added = std::make_shared<DrpcFunction>(function, std::move(handler), clock_, options_);
  functions_.emplace(std::move(function), std::move(added));
  return {};
}

StatusOr<std::shared_ptr<DrpcFunction>> DrpcServer::Find(std::string_view function) const {
  MutexLock lock(mutex_);
  auto found = functions_.find(function);
  if (found != functions_.end()) return found->second;
  if (stopped_) return Unavailable("the topology is stopping; it takes no DRPC request");
  std::vector<std::string> names;
  for (const auto& [name, unused] : functions_) names.push_back(name);
  // A name of any length may be asked for; the answer quotes what a name can have.
  const std::string_view quoted = function.substr(0, kFieldNameBytesMax);
  return NotFound("there is no DRPC function '", quoted, "'",
                  SpellingHint(function, "functions", names));
}

DrpcResult DrpcServer::Call(std::string_view function, std::string_view args, Nanos deadline) {
  TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<DrpcFunction> found, Find(function));
  TRIDENT_RETURN_IF_ERROR(CheckArgs(function, args));
  auto waiter = std::make_shared<Waiter>();
  auto request = std::make_shared<DrpcPending>();
  request->args = args;
  request->deadline = deadline;
  request->done = [waiter](DrpcResult result) { waiter->Answer(std::move(result)); };
  found->Submit(request, CallerThread::kWaits);
  if (std::optional<DrpcResult> result = waiter->WaitUntil(deadline, clock_)) {
    return std::move(*result);
  }
  found->Cancel(request);
  return DeadlineExceeded("DRPC function '", function,
                          "' did not answer in time; allow more, or look at its load with "
                          "`trident batches`");
}

DrpcTicket DrpcServer::CallAsync(std::string_view function, std::string_view args, Nanos deadline,
                                 DrpcCallback done) {
  StatusOr<std::shared_ptr<DrpcFunction>> found = Find(function);
  if (!found.ok()) {
    done(found.status());
    return {};
  }
  if (Status too_large = CheckArgs(function, args); !too_large.ok()) {
    done(std::move(too_large));
    return {};
  }
  auto request = std::make_shared<DrpcPending>();
  request->args = args;
  request->deadline = deadline;
  request->done = std::move(done);
  (*found)->Submit(request, CallerThread::kServesMany);
  return DrpcTicket(*std::move(found), std::move(request));
}

std::vector<std::shared_ptr<DrpcFunction>> DrpcServer::All() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<DrpcFunction>> all;
  for (const auto& [unused, function] : functions_) all.push_back(function);
  return all;
}

std::vector<DrpcFunctionStatus> DrpcServer::Functions() const {
  std::vector<DrpcFunctionStatus> out;
  for (const auto& function : All()) out.push_back(function->status());
  return out;
}

std::vector<std::pair<std::string, Nanos>> DrpcServer::UnderWayFor(Nanos longer_than) const {
  std::vector<std::pair<std::string, Nanos>> out;
  for (const auto& function : All()) {
    const Nanos longest = function->LongestUnderWay();
    if (longest > longer_than) out.emplace_back(function->name(), longest);
  }
  return out;
}

std::vector<std::pair<std::string, Nanos>> DrpcServer::AbandonedFor(Nanos longer_than) const {
  std::vector<std::pair<std::string, Nanos>> out;
  for (const auto& function : All()) {
    const Nanos longest = function->LongestAbandoned();
    if (longest > longer_than) out.emplace_back(function->name(), longest);
  }
  return out;
}

void DrpcServer::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  for (const auto& function : All()) function->Stop();
}

void DrpcServer::Shutdown() {
  Stop();
  for (const auto& function : All()) function->Shutdown();
}

}  // namespace trident
