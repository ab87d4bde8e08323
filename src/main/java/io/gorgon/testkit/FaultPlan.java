package io.gorgon.testkit;

import io.gorgon.message.Call;
import java.util.List;

/**
 * Where faults are asked for, and the record of what workers did. Each fault strikes once. A call
 * is known to a worker by its trace, so those that pass here get one of the kit's. Thread-safe.
 *
 * <pre>{@code
 * kit.faults().atNextCallOf("shop:order", new Fault.Killed(Point.BEFORE_ANSWER));
 * kit.pool().call(kit.faults().with(Call.of("m:f"), new Fault.Killed(Point.BEFORE_ANSWER)))
 * }</pre>
 */
public sealed interface FaultPlan permits ScriptedFaults, RealFaults {

  /** The call, which the record tells from all others. Its own trace, if it has one, is lost. */
  Call marked(Call call);

  /** The call, marked, whose worker suffers {@code fault} when it has it. */
  Call with(Call call, Fault fault);

  /**
   * Has the worker suffer {@code fault} that reads the next call of a target, whoever makes it;
   * several strike one after the other.
   */
  void atNextCallOf(String target, Fault fault);

  /** Has the next worker that starts suffer {@code fault}; several strike one after the other. */
  void atNextStart(StartFault fault);

  /** What workers noted of a marked call, the oldest first. */
  List<Noted> notes(Call marked);

  /**
   * What a worker noted.
   *
   * @param what {@code started}, or {@code answered}
   * @param value the worker, or the CRC-32 of the answer's body
   */
  record Noted(String what, String value) {

    /** Whether Python started the call. */
    public boolean isStart() {
      return what.equals("started");
    }
  }
}
