package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import io.gorgon.message.Reply;
import java.util.List;

/**
 * This lets an optimizer work on a program: in a session's order, which waits for it; for a global
 * one on any worker, and what was found is kept if the program is still the same.
 *
 * @param desk with the time that it may take
 */
record Improvement(Desk desk, String name, Optimizer optimizer) {

  Running<Optimized> by(List<Example> examples) {
    List<?> given = examples.stream().map(Example::wire).toList();
    if (!desk.isGlobal()) {
      return desk.ordered(
          "optimize",
          reply -> Optimized.read(reply.tree()),
          name,
          optimizer.wire(),
          given,
          desk.how());
    }
    Running<JsonNode> improved =
        desk.shared(
            name,
            found ->
                Call.of(
                    Desk.MODULE + "improve", found.packed(), optimizer.wire(), given, found.how()),
            Reply::tree);
    return improved.then(this::keep);
  }

  private Running<Optimized> keep(JsonNode result) {
    return desk.ordered(
        "accept",
        reply -> Optimized.read(result),
        name,
        result.path("fingerprint").asText(),
        result.path("state"),
        optimizer.name());
  }
}
