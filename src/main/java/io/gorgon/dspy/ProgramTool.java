package io.gorgon.dspy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * This describes a Java function to a program that may use it. The function itself is offered under
 * the same name, by {@link io.gorgon.PythonPool#offer} or {@link
 * Programs#with(io.gorgon.tool.Tools)}: a program outlives the JVM that created it, a function does
 * not. It gets its arguments as keywords: {@code call.argument("city", String.class)}. What it
 * throws is told to the model.
 *
 * @param name a Python name
 * @param description what the model is told of it
 * @param arguments its arguments
 */
public record ProgramTool(String name, String description, List<Field> arguments) {

  /** Copies the list. */
  public ProgramTool {
    arguments = List.copyOf(arguments);
  }

  /** A tool without arguments. */
  public static ProgramTool of(String name, String description) {
    return new ProgramTool(name, description, List.of());
  }

  /** With one more argument. */
  public ProgramTool with(Field argument) {
    var more = new ArrayList<>(arguments);
    more.add(argument);
    return new ProgramTool(name, description, more);
  }

  Map<String, Object> wire() {
    return Map.of(
        "name", name,
        "description", description,
        "arguments", arguments.stream().map(Field::wire).toList());
  }
}
