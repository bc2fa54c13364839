// SPDX-License-Identifier: Apache-2.0
#include "tests/state/typed_maps.h"

namespace trident {

TRIDENT_TYPED_MAPS(template)

}  // namespace trident
