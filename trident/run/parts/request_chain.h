// SPDX-License-Identifier: Apache-2.0
//
// RequestChain: a request topology as the DRPC server sees it. Waiting requests become one batch
// whose rows carry the number of their request; the whole chain runs on the calling thread, over
// one committed cut.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_REQUEST_CHAIN_H_
#define TRIDENT_TRIDENT_RUN_PARTS_REQUEST_CHAIN_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coordinator/serve/request_handler.h"
#include "state/view/state_catalog.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/side_marks.h"

namespace trident {

// One thread at a time.
class RequestChain final : public RequestHandler {
 public:
  // All of them must outlive it and its others. `marks` may be null.
  RequestChain(const Plan& plan, const PlannedFunction& function, const StateCatalog& states,
               SideMarks* marks);
  ~RequestChain() override;

  std::unique_ptr<RequestHandler> Another() const override;
  void Execute(std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) override;

 private:
  class Answers;

  Status RunBatch(std::span<const DrpcRequest> requests, TxId* cut);

  const Plan& plan_;
  const PlannedFunction& function_;
  const StateCatalog& states_;
  SideMarks* const marks_;
  const std::vector<GroupId> groups_;
  SchemaRef input_;
  std::shared_ptr<const std::vector<std::string>> fields_;  // of the answer
  Answers* answers_;                                        // owned by the chain
  std::unique_ptr<Chain> chain_;
  uint64_t batches_ = 0;
  std::span<const DrpcRequest> requests_;  // during Execute
  bool given_up_ = false;                  // the batch at hand, between two steps
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_REQUEST_CHAIN_H_
