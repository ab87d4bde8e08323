package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Reply;
import java.util.List;
import org.apache.pekko.Done;

/** This is where programs are kept, in the state of a session, and what is done to them there. */
record Shelf(Desk desk, Ledger ledger) {

  Running<ProgramDescription> create(String name, Program program) {
    return desk.ordered("create", this::described, name, program.wire());
  }

  Running<ProgramDescription> load(String name, Program program, String saved) {
    return desk.ordered("load", this::described, name, program.wire(), saved);
  }

  Running<String> save(String name) {
    return desk.ordered("save", reply -> reply.tree().asText(), name);
  }

  Running<ProgramList> list() {
    return desk.ordered(
        "list_all",
        reply -> {
          JsonNode told = reply.tree();
          List<ProgramDescription> programs =
              told.path("programs").valueStream().map(this::description).toList();
          return new ProgramList(programs, told.path("total_count").asInt());
        });
  }

  Running<ProgramDescription> describe(String name) {
    return desk.ordered("describe", this::described, name);
  }

  Running<ProgramDescription> reset(String name) {
    return desk.ordered(
        "reset",
        reply -> {
          forget(name);
          return described(reply);
        },
        name);
  }

  Running<Done> delete(String name) {
    return desk.ordered(
        "delete",
        reply -> {
          forget(name);
          return Done.getInstance();
        },
        name);
  }

  Running<Integer> cleanup() {
    return desk.ordered(
        "cleanup",
        reply -> {
          if (desk.isGlobal()) {
            ledger.forgetAll();
          }
          return reply.tree().asInt();
        });
  }

  Running<List<Exchange>> history() {
    return desk.isGlobal()
        ? Running.completed(ledger.history())
        : desk.ordered("history", reply -> Exchange.all(reply.tree()));
  }

  private void forget(String name) {
    if (desk.isGlobal()) {
      ledger.forget(name);
    }
  }

  private ProgramDescription described(Reply reply) {
    return description(reply.tree());
  }

  /** Global programs are counted here, those of a session where they are kept. */
  private ProgramDescription description(JsonNode told) {
    ProgramDescription found = ProgramDescription.read(told);
    return desk.isGlobal() ? found.with(ledger.of(found.name())) : found;
  }
}
