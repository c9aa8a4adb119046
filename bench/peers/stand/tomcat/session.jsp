<%@ page session="false" contentType="text/plain" trimDirectiveWhitespaces="true"
	import="java.lang.reflect.Field, java.nio.ByteBuffer, java.util.Map,
	org.apache.catalina.Manager, org.apache.catalina.connector.Request, org.apache.catalina.connector.RequestFacade,
	org.apache.catalina.session.ManagerBase, org.apache.catalina.tribes.tipis.AbstractReplicatedMap" %><%!
	static int number(HttpServletRequest request, String name) { return Integer.parseInt(request.getParameter(name)); }

	static byte[] value(long version, int bytes) { return ByteBuffer.allocate(bytes).putLong(version).array(); }

	/** Nothing in it repeats, so that compression would not help. */
	static byte[] fill(long attribute, int bytes) {
		byte[] fill = new byte[bytes];
		long x = attribute * 0x9e3779b97f4a7c15L + 1;
		for (int i = 0; i < bytes; i++) {
			x ^= x << 13;
			x ^= x >>> 7;
			x ^= x << 17;
			fill[i] = (byte) x;
		}
		return fill;
	}

	static long version(HttpSession s) { return ByteBuffer.wrap((byte[]) s.getAttribute("a0")).getLong(); }

	/** How many sessions this node is primary and backup of. */
	static String copies(HttpServletRequest request) throws Exception {
		Field inner = RequestFacade.class.getDeclaredField("request");
		inner.setAccessible(true);
		Manager manager = ((Request) inner.get(request)).getContext().getManager();
		Field sessions = ManagerBase.class.getDeclaredField("sessions");
		sessions.setAccessible(true);
		int primary = 0, backup = 0;
		for (Object o : ((AbstractReplicatedMap<?, ?>) sessions.get(manager)).entrySetFull()) {
			AbstractReplicatedMap.MapEntry<?, ?> entry = (AbstractReplicatedMap.MapEntry<?, ?>) ((Map.Entry<?, ?>) o).getValue();
			if (entry.isPrimary()) primary++;
			if (entry.isBackup()) backup++;
		}
		return primary + " " + backup;
	}
%><%
	long asked = Long.parseLong(request.getParameter("v"));
	HttpSession s;
	switch (request.getParameter("op")) {
	case "create":
		s = request.getSession(true);
		int attributes = number(request, "attributes"), changed = number(request, "changed");
		s.setAttribute("a0", value(asked, changed));
		for (int i = 1; i < attributes; i++) {
			s.setAttribute("a" + i, fill(i, (number(request, "bytes") - changed) / (attributes - 1)));
		}
		out.print(asked);
		break;
	case "cart":
		s = request.getSession(false);
		out.print(version(s));
		s.setAttribute("a0", value(asked, number(request, "changed")));
		break;
	case "browse":
		out.print(version(request.getSession(false)));
		break;
	case "renew":
		request.getSession(false);
		request.changeSessionId();
		out.print(0);
		break;
	case "destroy":
		request.getSession(false).invalidate();
		out.print(0);
		break;
	case "copies":
		out.print(copies(request));
		break;
	}
%>
