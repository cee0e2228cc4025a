# A tour of a brood cluster from Elixir; no Mix, no dependency. Each step is checked, and the last line is "done".
#
#   elixir --hidden --name tour@127.0.0.1 tour.exs n1@127.0.0.1 n2@127.0.0.1 n3@127.0.0.1
#
# The cookie is that of ~/.erlang.cookie. The nodes must have the supervisor `web` and the worker `counter`, as
# `brood node` has them with a fleet file that has [supervisor.web].
Code.require_file("via.ex", __DIR__)

defmodule Tour do
  @sup :web

  def run([first | _] = nodes) do
    for node <- nodes, do: true = Node.connect(node)
    {:ok, _} = :pg.start(@sup)
    start_and_use(first)
    many(nodes)
    ask_where(nodes)
    follow(first)
    IO.puts("done")
  end

  # One child, by id from any node: start, call, cast, find, stop.
  defp start_and_use(node) do
    {:ok, pid, "alice"} = brood(node, {:start_child, @sup, %{id: "alice", start: {:counter, [100]}}})
    alice = {:via, Brood.Via, {@sup, "alice"}}
    wait("the child is in pg", fn -> GenServer.whereis(alice) == pid end)
    105 = GenServer.call(alice, {:add, 5})
    :ok = GenServer.cast(alice, {:add, 2})
    107 = GenServer.call(alice, :get)
    {:error, {:already_started, ^pid}} =
      brood(node, {:start_child, @sup, %{id: "alice", start: {:counter, [100]}}})
    {:ok, 107} = brood(node, {:call, @sup, "alice", :get, 5000})
    IO.puts("alice runs on #{node(pid)} and counts #{GenServer.call(alice, :get)}")
    :ok = brood(node, {:stop_child, @sup, "alice"})
    wait("the child has left pg", fn -> GenServer.whereis(alice) == nil end)
    {:noproc, _} = catch_exit(fn -> GenServer.call(alice, :get) end)
  end

  # A hundred children at once: each runs on one node, the one that its id hashes to.
  defp many([first | _] = nodes) do
    specs = for i <- 1..100, do: %{id: "worker-#{i}", start: {:counter, [i]}, metadata: %{tag: "tour"}}
    {:ok, %{status: :ok, started: started}} = brood(first, {:start_children, @sup, specs, %{}})
    100 = length(started)
    for node <- nodes do
      wait("#{node} knows all children", fn -> length(brood(node, {:process_list, @sup, :global})) == 100 end)
      local = brood(node, {:which_children, @sup, :local})
      IO.puts("#{node} runs #{length(local)} of 100")
    end
    wait("all are in pg", fn -> length(:pg.which_groups(@sup)) == 100 end)
    sum = Enum.sum(for i <- 1..100, do: GenServer.call({:via, Brood.Via, {@sup, "worker-#{i}"}}, :get))
    5050 = sum
    100 = length(brood(first, {:tag_query, @sup, "tour"}))
  end

  # Where things are, asked of each node.
  defp ask_where([first | _] = nodes) do
    ^nodes = Enum.sort(brood(first, {:nodes, @sup}))
    owner = brood(first, {:node_for, @sup, "worker-7"})
    for node <- nodes, do: true = brood(node, {:mine, @sup, "worker-7"}) == (node == owner)
    {%{id: "worker-7"}, [{^owner, pid}], %{tag: "tour"}} = brood(first, {:child_lookup, @sup, "worker-7"})
    "worker-7" = brood(first, {:whois, @sup, pid})
    IO.puts("worker-7 belongs on #{owner}")
  end

  # A listener: who monitors the scope sees a child crash and come back.
  defp follow(node) do
    {ref, _groups} = :pg.monitor(@sup, "worker-7")
    [pid] = :pg.get_members(@sup, "worker-7")
    down = Process.monitor(pid)
    Process.exit(pid, :crash)
    receive do: ({:DOWN, ^down, :process, ^pid, :crash} -> :ok), after: (5000 -> raise("no DOWN"))
    receive do: ({^ref, :leave, "worker-7", [^pid]} -> :ok), after: (5000 -> raise("it did not leave"))
    again = receive do: ({^ref, :join, "worker-7", [joined]} -> joined), after: (5000 -> raise("it did not return"))
    7 = GenServer.call(again, :get)
    IO.puts("worker-7 crashed and came back")
    ids = for i <- 1..100, do: "worker-#{i}"
    {:ok, %{status: :ok}} = brood(node, {:stop_children, @sup, ids, %{}})
  end

  # Every request goes to the process `brood` of any node.
  defp brood(node, request), do: GenServer.call({:brood, node}, request, 30_000)

  defp wait(what, condition, tries \\ 500)
  defp wait(what, _, 0), do: raise("not within 5 s: #{what}")
  defp wait(what, condition, tries) do
    unless condition.() do
      Process.sleep(10)
      wait(what, condition, tries - 1)
    end
  end

  defp catch_exit(function) do
    function.()
    raise("it did not exit")
  catch
    :exit, reason -> reason
  end
end

Tour.run(Enum.map(System.argv(), &String.to_atom/1))
