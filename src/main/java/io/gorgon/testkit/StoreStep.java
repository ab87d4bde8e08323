package io.gorgon.testkit;

import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Something that happens to sessions or to their store in a {@link Scenario}. */
public sealed interface StoreStep extends Step {

  /** Something befalls the whole store, from now on. */
  record Befalls(String what, Consumer<FaultyStore> fault) implements StoreStep {
    @Override
    public void play(Play play) {
      fault.accept(play.kit().store());
    }

    @Override
    public String toString() {
      return "the store " + what;
    }
  }

  /** The store has more sessions than may be. */
  record Fills() implements StoreStep {
    @Override
    public void play(Play play) {
      if (play.kit().pool().settings().session().quota() == 0) {
        throw new AssertionError("nothing is full without a quota: give the kit session.quota = 1");
      }
      play.kit().store().fills();
    }

    @Override
    public String toString() {
      return "the store is full";
    }
  }

  /** The next commit of a session suffers a fault. */
  record SpoilCommit(String session, CommitFault fault) implements StoreStep {
    @Override
    public void play(Play play) {
      // The scenario has planned it before anything happened.
    }

    @Override
    public String toString() {
      return "the next commit of session '" + session + "' suffers " + fault;
    }
  }

  /** Somebody else keeps a state. */
  record Keep(String session, Map<String, ? extends @Nullable Object> values) implements StoreStep {
    @Override
    public void play(Play play) {
      play.kit().get(play.kit().store().keep(session, values));
    }

    @Override
    public String toString() {
      return "session '" + session + "' has " + values;
    }
  }

  /** A session ends. */
  record End(String session) implements StoreStep {
    @Override
    public void play(Play play) {
      play.endSession(session);
    }

    @Override
    public String toString() {
      return "session '" + session + "' ends";
    }
  }
}
