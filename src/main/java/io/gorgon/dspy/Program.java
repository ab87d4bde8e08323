package io.gorgon.dspy;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This defines a program. It is data: a worker makes the live DSPy module of it, any worker, as
 * often as one has to. Immutable.
 *
 * @param kind what is made of it
 * @param signature what goes in and comes out; empty for a class
 * @param tools Java functions that it may use, for {@link Kind#REACT}
 * @param options what the DSPy module takes besides: {@code max_iters} for those that take steps,
 *     settings of the model ({@code temperature}, {@code n}) for the others
 * @param target {@code package.module:Class} of a {@code dspy.Module}
 * @param arguments what that class is made with, by name
 */
public record Program(
    Kind kind,
    Optional<Signature> signature,
    List<ProgramTool> tools,
    Map<String, @Nullable Object> options,
    Optional<String> target,
    Map<String, @Nullable Object> arguments) {

  /** What DSPy makes of a definition. */
  public enum Kind {
    /** One question to the model. */
    PREDICT("predict"),
    /** The same, with the model's reasoning before its answer. */
    CHAIN_OF_THOUGHT("chain_of_thought"),
    /** The model uses tools, until it knows. */
    REACT("react"),
    /** The model writes code, which Deno runs apart from everything. */
    PROGRAM_OF_THOUGHT("program_of_thought"),
    /** A class of yours. */
    CLASS("class");

    private final String wire;

    Kind(String wire) {
      this.wire = wire;
    }

    static Kind of(String wire) {
      for (Kind kind : values()) {
        if (kind.wire.equals(wire)) {
          return kind;
        }
      }
      throw new IllegalArgumentException("no kind of program: " + wire);
    }

    /** As Python names it. */
    String wire() {
      return wire;
    }
  }

  /** Copies. */
  public Program {
    tools = List.copyOf(tools);
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
  }

  private static Program of(Kind kind, Signature signature, List<ProgramTool> tools) {
    return new Program(kind, Optional.of(signature), tools, Map.of(), Optional.empty(), Map.of());
  }

  /** One question to the model. */
  public static Program predict(String signature) {
    return predict(Signature.of(signature));
  }

  /** One question to the model. */
  public static Program predict(Signature signature) {
    return of(Kind.PREDICT, signature, List.of());
  }

  /** The same with reasoning, which is an output too: {@code reasoning}. */
  public static Program chainOfThought(String signature) {
    return chainOfThought(Signature.of(signature));
  }

  /** The same with reasoning, which is an output too: {@code reasoning}. */
  public static Program chainOfThought(Signature signature) {
    return of(Kind.CHAIN_OF_THOUGHT, signature, List.of());
  }

  /** Uses tools until it knows; its steps are an output too: {@code trajectory}. */
  public static Program react(String signature, ProgramTool... tools) {
    return react(Signature.of(signature), List.of(tools));
  }

  /** Uses tools until it knows; its steps are an output too: {@code trajectory}. */
  public static Program react(Signature signature, List<ProgramTool> tools) {
    return of(Kind.REACT, signature, tools);
  }

  /** Answers by code that it writes and runs; needs Deno where the workers are. */
  public static Program programOfThought(Signature signature) {
    return of(Kind.PROGRAM_OF_THOUGHT, signature, List.of());
  }

  /** A class of yours, a {@code dspy.Module}, on the pool's {@code path}. */
  public static Program ofClass(String target) {
    return new Program(
        Kind.CLASS, Optional.empty(), List.of(), Map.of(), Optional.of(target), Map.of());
  }

  /** With one more option of the DSPy module. */
  public Program with(String option, @Nullable Object value) {
    return new Program(kind, signature, tools, plus(options, option, value), target, arguments);
  }

  /** With one more argument for the class. */
  public Program withArgument(String name, @Nullable Object value) {
    return new Program(kind, signature, tools, options, target, plus(arguments, name, value));
  }

  private static Map<String, @Nullable Object> plus(
      Map<String, @Nullable Object> map, String key, @Nullable Object value) {
    var more = new LinkedHashMap<String, @Nullable Object>(map);
    more.put(key, value);
    return more;
  }

  Map<String, @Nullable Object> wire() {
    var all = new LinkedHashMap<String, @Nullable Object>();
    all.put("kind", kind.wire());
    signature.ifPresent(
        given -> {
          all.put("signature", given.wire());
          given.instructions().ifPresent(told -> all.put("instructions", told));
        });
    target.ifPresent(given -> all.put("target", given));
    if (!tools.isEmpty()) {
      all.put("tools", tools.stream().map(ProgramTool::wire).toList());
    }
    if (!options.isEmpty()) {
      all.put("options", options);
    }
    if (!arguments.isEmpty()) {
      all.put("arguments", arguments);
    }
    return all;
  }
}
