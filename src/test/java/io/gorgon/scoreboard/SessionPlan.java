package io.gorgon.scoreboard;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** What the calls of a storm over sessions are, in an order that the seed gives. */
final class SessionPlan {

  /** A call of one kind, a few at once, or a look from the JVM. */
  enum What {
    CHANGE(480),
    REPEATED(80),
    BURST(40),
    LOOK(80),
    JVM_LOOKS(50),
    RAISES(40),
    UNSENDABLE(10),
    TOO_LARGE(10),
    CANCELLED(50),
    DEADLINE(10),
    EXITS(5),
    CHECKPOINTS(40),
    CHECKPOINTS_THEN_RAISES(15),
    CHECKPOINTS_THEN_EXITS(3),
    STREAM(20),
    STREAM_WITH_CHECKPOINTS(15),
    STREAM_RAISES(10),
    STREAM_LEFT(10),
    KILLED_AFTER_HEADER(3),
    KILLED_BEFORE_REPLY(3),
    KILLED_MID_REPLY(3),
    KILLED_AFTER_REPLY(3),
    STOPPED(1),
    MALFORMED(3);

    private final int ofAThousand;

    What(int ofAThousand) {
      this.ofAThousand = ofAThousand;
    }
  }

  /** How many calls a round of the scoreboard has with each store. */
  static final int IN_MEMORY = Integer.getInteger("scoreboard.session-calls", 12_000);

  static final int ON_H2 = IN_MEMORY / 2;

  static final Set<What> EACH_WITHOUT_A_SHORT_DEADLINE =
      Collections.unmodifiableSet(EnumSet.complementOf(EnumSet.of(What.DEADLINE, What.STOPPED)));

  private SessionPlan() {}

  static List<What> of(Random random, int calls) {
    List<What> plan = new ArrayList<>(calls);
    for (What what : What.values()) {
      plan.addAll(Collections.nCopies(calls * what.ofAThousand / 1_000, what));
    }
    plan.addAll(Collections.nCopies(calls - plan.size(), What.CHANGE));
    Collections.shuffle(plan, random);
    return plan;
  }
}
